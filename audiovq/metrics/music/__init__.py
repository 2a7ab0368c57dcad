"""What is heard in music without any reference: tempo, key, loudness, silence, seams, and embeddings of it."""
