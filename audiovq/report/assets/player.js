// Several sounds of one clip that run in step: all are loaded and started together, and only one is let through, so that
// changing to another neither moves nor interrupts.

let context = null; // made by the first key or click, as browsers ask for
const RAMP_SECONDS = 0.004; // a change within a sample would click
const LEAD_SECONDS = 0.03; // between asking for the start and the start itself
const KEPT_DECODED = 4;
const decoded = []; // decks that hold samples, the longest unused first

async function decode(audio) {
  const bytes = Uint8Array.from(atob(audio.src.split(",", 2)[1]), (letter) => letter.charCodeAt(0));
  return context.decodeAudioData(bytes.buffer);
}

function padded(buffer, length) {
  if (buffer.length === length) return buffer;
  const longer = context.createBuffer(buffer.numberOfChannels, length, buffer.sampleRate);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    longer.copyToChannel(buffer.getChannelData(channel), channel);
  }
  return longer;
}

class Deck {
  constructor(audios, seconds, onChange) {
    this.audios = audios;
    this.duration = seconds; // until they are loaded, which tells exactly
    this.onChange = onChange;
    this.chosen = 0;
    this.loop = false;
    this.buffers = null;
    this.problem = "";
    this.offset = 0; // seconds, where it stands or has started
    this.voices = null; // [{ source, gain }], while it plays
    this.wanted = false; // to play, though it may still be loading
  }

  async load() {
    context ??= new AudioContext();
    if (!this.buffers) {
      const buffers = await Promise.all(this.audios.map(decode));
      const length = Math.max(...buffers.map((buffer) => buffer.length));
      this.buffers = buffers.map((buffer) => padded(buffer, length));
      this.duration = this.buffers[0].duration;
    }
    if (decoded.includes(this)) decoded.splice(decoded.indexOf(this), 1);
    decoded.push(this);
    while (decoded.length > KEPT_DECODED) decoded.shift().forget();
  }

  forget() {
    this.pause();
    this.buffers = null;
  }

  get position() {
    if (!this.voices) return this.offset;
    const seconds = this.offset + Math.max(0, context.currentTime - this.startTime);
    return this.loop ? seconds % this.duration : Math.min(seconds, this.duration);
  }

  async play() {
    this.wanted = true;
    this.onChange();
    try {
      await this.load();
      await context.resume();
    } catch (error) {
      this.problem = `cannot be played: ${error.message}`;
      return this.pause();
    }
    if (!this.wanted || this.voices) return;
    if (this.offset >= this.duration - 0.01) this.offset = 0;
    this.startTime = context.currentTime + LEAD_SECONDS;
    this.voices = this.buffers.map((buffer, index) => this.voice(buffer, index === this.chosen));
    const [{ source }] = this.voices;
    source.onended = () => {
      if (this.voices?.[0].source !== source) return;
      this.stop();
      this.offset = 0;
      this.onChange();
    };
    this.onChange();
  }

  voice(buffer, isHeard) {
    const source = new AudioBufferSourceNode(context, { buffer, loop: this.loop });
    const gain = new GainNode(context, { gain: isHeard ? 1 : 0 });
    source.connect(gain).connect(context.destination);
    source.start(this.startTime, this.offset);
    return { source, gain };
  }

  stop() {
    this.wanted = false;
    for (const { source, gain } of this.voices ?? []) {
      source.onended = null;
      source.stop();
      gain.disconnect();
    }
    this.voices = null;
  }

  pause() {
    const position = this.position;
    this.stop();
    this.offset = position;
    this.onChange();
  }

  toggle() {
    return this.wanted ? this.pause() : this.play();
  }

  seek(seconds) {
    const wasWanted = this.wanted;
    this.stop();
    this.offset = Math.max(0, Math.min(seconds, this.duration));
    if (wasWanted) this.play();
    this.onChange();
  }

  choose(index) {
    if (index < 0 || index >= this.audios.length) return;
    this.chosen = index;
    this.voices?.forEach(({ gain }, number) => {
      gain.gain.setTargetAtTime(number === index ? 1 : 0, context.currentTime, RAMP_SECONDS);
    });
    this.onChange();
  }

  setLoop(loop) {
    const position = this.position;
    this.loop = loop;
    if (this.voices) this.seek(position);
  }
}

// What shows and steers a deck: a play button, a slider, the time, and a button for each sound.
class Transport {
  constructor(root) {
    this.find = (selector) => root.querySelector(selector);
    this.choices = [...root.querySelectorAll(".choose")];
    this.find(".play").addEventListener("click", () => this.deck?.toggle());
    this.find(".seek").addEventListener("input", (event) => this.deck?.seek(Number(event.target.value)));
    this.find(".loop input").addEventListener("change", (event) => this.deck?.setLoop(event.target.checked));
    this.choices.forEach((button, index) => button.addEventListener("click", () => this.deck?.choose(index)));
  }

  use(deck, seconds) {
    this.deck = deck;
    this.seconds = seconds;
    this.find(".seek").max = seconds;
    deck.loop = this.find(".loop input").checked;
    this.show();
  }

  show() {
    const { deck } = this;
    const position = deck.position;
    const times = `${position.toFixed(1)} / ${this.seconds.toFixed(1)} s`;
    const play = this.find(".play");
    play.classList.toggle("playing", deck.wanted);
    play.setAttribute("aria-label", deck.wanted ? "Pause" : "Play");
    this.find(".seek").value = position;
    this.find(".seek").setAttribute("aria-valuetext", `${position.toFixed(1)} of ${this.seconds.toFixed(1)} seconds`);
    this.find(".time").textContent = deck.problem || times;
    this.choices.forEach((button, index) => button.setAttribute("aria-pressed", String(index === deck.chosen)));
  }

  // True for a key that it knows.
  press(key) {
    const { deck } = this;
    if (key === " ") deck.toggle();
    else if (key === "ArrowLeft") deck.seek(deck.position - 1);
    else if (key === "ArrowRight") deck.seek(deck.position + 1);
    else if (key === "Home") deck.seek(0);
    else if (key === "l") this.find(".loop input").click();
    else return false;
    return true;
  }
}

class ClipPlayer {
  constructor(card) {
    this.card = card;
    this.id = card.dataset.clip;
    this.text = card.querySelector(".text")?.textContent ?? "";
    this.sounds = [...card.querySelectorAll(".sound")];
    this.audios = this.sounds.map((sound) => sound.querySelector("audio"));
    this.labels = this.sounds.map((sound) => sound.dataset.label);
    this.seconds = Number(card.dataset.seconds);
    this.transport = new Transport(card);
    this.deck = new Deck(this.audios, this.seconds, () => this.show());
    this.transport.use(this.deck, this.seconds);
    card.addEventListener("pointerdown", () => makeCurrent(this), true);
    card.addEventListener("focusin", () => makeCurrent(this));
    this.sounds.forEach((sound, index) => {
      sound.querySelector(".picture").addEventListener("click", (event) => {
        const box = event.currentTarget.getBoundingClientRect();
        this.deck.choose(index);
        this.deck.seek((this.seconds * (event.clientX - box.left)) / box.width);
      });
    });
  }

  show() {
    this.transport.show();
    const share = Math.min(1, this.deck.position / this.seconds);
    this.card.style.setProperty("--played", `${(100 * share).toFixed(2)}%`);
    if (this.deck.wanted) {
      players.forEach((player) => player !== this && player.deck.wanted && player.deck.pause());
      keepShowing();
    }
  }

  original() {
    return this.labels.indexOf("original");
  }

  press(key) {
    if (key === "o" || key === "0") this.deck.choose(this.original());
    else if (/^[1-9]$/.test(key)) this.deck.choose(Number(key) - (this.original() === 0 ? 0 : 1));
    else if (key === "n" || key === "p") step(key === "n" ? 1 : -1);
    else return this.transport.press(key);
    return true;
  }
}

const players = [...document.querySelectorAll(".clip")].map((card) => new ClipPlayer(card));
let current = players[0];
let isShowing = false;

function makeCurrent(player) {
  current?.card.classList.remove("current");
  current = player;
  player.card.classList.add("current");
}

function step(by) {
  const next = players[players.indexOf(current) + by];
  if (!next) return;
  const wasPlaying = current.deck.wanted;
  makeCurrent(next);
  next.card.scrollIntoView({ block: "nearest" });
  if (wasPlaying) next.deck.play();
}

function showing() {
  return [...players, ...(blind ? [blind] : [])].filter((each) => each.deck?.wanted);
}

function keepShowing() {
  if (isShowing) return;
  isShowing = true;
  requestAnimationFrame(function frame() {
    const active = showing();
    active.forEach((each) => each.show());
    isShowing = active.length > 0;
    if (isShowing) requestAnimationFrame(frame);
  });
}
