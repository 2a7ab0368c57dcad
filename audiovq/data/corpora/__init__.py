"""Corpora: each lists its recordings with voice, language, text, labels and official split."""

from audiovq.data.corpora.aishell3 import Aishell3
from audiovq.data.corpora.commonvoice import CommonVoice
from audiovq.data.corpora.debian_music import DebianMusic
from audiovq.data.corpora.debian_speech import DebianSpeech
from audiovq.data.corpora.fma import FMA
from audiovq.data.corpora.folder import Folder
from audiovq.data.corpora.gtzan import Gtzan
from audiovq.data.corpora.jsut import JSUT
from audiovq.data.corpora.librispeech import LibriSpeech
from audiovq.data.corpora.libritts import LibriTTS
from audiovq.data.corpora.ljspeech import LJSpeech
from audiovq.data.corpora.maestro import Maestro
from audiovq.data.corpora.musdb18 import Musdb18
from audiovq.data.corpora.nsynth import NSynth
from audiovq.data.corpora.rendered_scores import RenderedScores
from audiovq.data.corpora.utterance import Corpus
from audiovq.data.corpora.vctk import VCTK

# By the names that recipes use. Each is a dataclass whose fields are its settings; `root` is where it lies.
CORPORA: dict[str, type[Corpus]] = {
    "aishell3": Aishell3,
    "commonvoice": CommonVoice,
    "debian_music": DebianMusic,
    "debian_speech": DebianSpeech,
    "fma": FMA,
    "folder": Folder,
    "gtzan": Gtzan,
    "jsut": JSUT,
    "librispeech": LibriSpeech,
    "libritts": LibriTTS,
    "ljspeech": LJSpeech,
    "maestro": Maestro,
    "musdb18": Musdb18,
    "nsynth": NSynth,
    "rendered_scores": RenderedScores,
    "vctk": VCTK,
}
