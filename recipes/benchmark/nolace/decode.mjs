// node decode.mjs IN.opus OUT.wav SAMPLE_RATE: one channel of 16 bits, through the neural enhancement of libopus 1.5.
import { readFileSync, writeFileSync } from "node:fs";
import { OggOpusDecoder } from "ogg-opus-decoder";

const [source, target, rate] = process.argv.slice(2);
const sampleRate = Number(rate);
const decoder = new OggOpusDecoder({ speechQualityEnhancement: "nolace", sampleRate });
await decoder.ready;
const { channelData, errors } = await decoder.decodeFile(new Uint8Array(readFileSync(source)));
if (errors.length) {
  throw new Error(errors[0].message);
}
const wave = channelData[0];
const wav = Buffer.alloc(44 + 2 * wave.length);
wav.write("RIFF", 0);
wav.writeUInt32LE(36 + 2 * wave.length, 4);
wav.write("WAVEfmt ", 8);
wav.writeUInt32LE(16, 16); // size of the format
wav.writeUInt16LE(1, 20); // PCM
wav.writeUInt16LE(1, 22); // channels
wav.writeUInt32LE(sampleRate, 24);
wav.writeUInt32LE(2 * sampleRate, 28);
wav.writeUInt16LE(2, 32);
wav.writeUInt16LE(16, 34);
wav.write("data", 36);
wav.writeUInt32LE(2 * wave.length, 40);
wave.forEach((sample, i) => {
  wav.writeInt16LE(Math.max(-32768, Math.min(32767, Math.round(32768 * sample))), 44 + 2 * i);
});
writeFileSync(target, wav);
decoder.free();
