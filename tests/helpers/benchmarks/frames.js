/** What a viewer's frames cost, measured in the page that shows it; Python calls these functions by name. */

/** Runs after the frame whose callbacks are running now is drawn and handed over. */
const afterFrame = () =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(performance.now());
    port2.postMessage(null);
  });

/** Milliseconds that the page is busy with the frame which an action leads to: scripts, layout, painting. */
const frame = (act) =>
  new Promise((resolve) => {
    requestAnimationFrame(() => {
      // Callbacks of a frame run in the order of asking: this one, those of the viewer, the last one.
      let start;
      requestAnimationFrame(() => {
        start = performance.now();
      });
      act();
      requestAnimationFrame(() => afterFrame().then((end) => resolve(end - start)));
    });
  });

const controls = (root) => ({
  slider: root.querySelector("input[aria-label=Step]"),
  forward: root.querySelector("button[aria-label=Forward]"),
  play: root.querySelector("button[aria-label=Play], button[aria-label=Pause]"),
  steps: Number(root.dataset.steps),
});

const drag = (slider, step) => {
  slider.value = step;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
};

/** Frames of seeks to random steps between two, after some to warm up. */
async function seeks(root, count, from, to) {
  const { slider } = controls(root);
  const times = [];
  let state = 12345;
  for (let i = -20; i < count; i++) {
    state = (state * 1103515245 + 12345) % 2147483648;
    const step = from + Math.floor((state / 2147483648) * (to - from));
    const time = await frame(() => drag(slider, step));
    if (root.dataset.step !== String(step)) throw new Error(`step ${root.dataset.step}, not ${step}`);
    if (i >= 0) times.push(time);
  }
  slider.dispatchEvent(new Event("change", { bubbles: true }));
  return times;
}

/** Frames of single steps from where the viewer stands. */
async function steps(root, count) {
  const { forward } = controls(root);
  const times = [];
  for (let i = 0; i < count; i++) times.push(await frame(() => forward.click()));
  return times;
}

/** Milliseconds from one frame to the next for a time, with something to do at each. */
function intervals(milliseconds, act) {
  const times = [];
  return new Promise((resolve) => {
    let last;
    const begun = performance.now();
    const tick = (now) => {
      if (last !== undefined) times.push(now - last);
      last = now;
      act(times.length + 1);
      if (now - begun < milliseconds) requestAnimationFrame(tick);
      else resolve(times);
    };
    requestAnimationFrame(tick);
  });
}

/** Milliseconds from one frame to the next while it plays on from a step for a time. */
async function playing(root, from, milliseconds) {
  const { slider, play } = controls(root);
  await frame(() => drag(slider, from));
  slider.dispatchEvent(new Event("change", { bubbles: true }));
  await frame(() => play.click());
  const times = await intervals(milliseconds, () => {});
  const reached = Number(root.dataset.step);
  await frame(() => play.click());
  return { times, pops: reached - from };
}

/** Milliseconds from opening the page to the first frame with the viewer, which the script before this one has made. */
const firstPaint = new Promise((resolve) => requestAnimationFrame(() => afterFrame().then(resolve)));

/** Milliseconds from a key on the slider of `ipywidgets.interact` until the new picture is painted. */
async function sliderSteps(root, count) {
  const handle = root.querySelector("[role=slider]");
  const times = [];
  for (let i = 0; i < count; i++) {
    const before = root.querySelector("img").src;
    const start = performance.now();
    const shown = new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        const picture = root.querySelector("img");
        if (!picture || picture.src === before) return;
        observer.disconnect();
        picture.decode().then(() => requestAnimationFrame(() => afterFrame().then(resolve)));
      });
      observer.observe(root, { subtree: true, childList: true, attributes: true });
    });
    handle.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    times.push((await shown) - start);
  }
  return times;
}

const at = (times, share) =>
  [...times].sort((a, b) => a - b)[Math.min(Math.floor(times.length * share), times.length - 1)];

/**
 * The 95th percentiles of several functions' times, each time the least of some rounds taken in turn: a round does the
 * same as the one before, and other programs on the machine only ever add to it.
 */
async function quietest(rounds, ...measured) {
  const least = measured.map(() => []);
  for (let i = 0; i < rounds; i++) {
    for (const [n, one] of measured.entries()) {
      for (const [k, time] of (await one()).entries()) least[n][k] = Math.min(least[n][k] ?? time, time);
    }
  }
  return least.map((times) => at(times, 0.95));
}

/** Milliseconds of a page's beginning that knows nothing of the viewer: bytes from base64, sums over them, elements. */
async function fixedLoad() {
  const start = performance.now();
  const bytes = Uint8Array.from(atob("AAECAwQFBgcI".repeat(50_000)), (c) => c.charCodeAt(0));
  const sums = new Float64Array(bytes.length);
  for (let i = 1; i < sums.length; i++) sums[i] = sums[(i * 7919) % i] * 0.5 + bytes[i];
  const fixed = new FixedLoad();
  await frame(() => requestAnimationFrame(() => fixed.draw(1)));
  fixed.element.remove();
  return performance.now() - start;
}

/** Work of a frame's kind that knows nothing of the viewer: numbers, words laid out, shapes on a canvas. */
class FixedLoad {
  element = document.createElement("div");
  canvas = document.createElement("canvas");
  numbers = new Float64Array(20_000);

  constructor() {
    Object.assign(this.element.style, { position: "fixed", inset: "auto 0 0 auto", width: "500px", background: "#fff" });
    Object.assign(this.canvas, { width: 500, height: 200 });
    this.element.append(this.canvas);
    for (let i = 0; i < 60; i++) this.element.append(document.createElement("span"), " ");
    document.body.append(this.element);
  }

  draw(step) {
    const { numbers, canvas, element } = this;
    for (let i = 1; i < numbers.length; i++) numbers[i] = numbers[(i * 31) % i] * 0.5 + ((i * step) % 97);
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < 600; i++) {
      context.fillStyle = `hsl(${numbers[i + 1] % 360} 80% 50%)`;
      context.fillRect((i % 50) * 10, Math.floor(i / 50) * 16, 9, 12);
    }
    for (let i = 0; i < 30; i++) context.fillText(numbers[i].toFixed(3), (i % 10) * 50, 20 + Math.floor(i / 10) * 60);
    for (const [i, word] of element.querySelectorAll("span").entries()) {
      word.textContent = `${numbers[i + step].toFixed(3)} of ${step}`;
      word.style.paddingLeft = `${(i + step) % 5}px`;
    }
    return element.offsetHeight;
  }
}

/** Frames of the fixed work. */
async function fixedFrames(count) {
  const fixed = new FixedLoad();
  const times = [];
  for (let i = 1; i <= count; i++) times.push(await frame(() => requestAnimationFrame(() => fixed.draw(i))));
  fixed.element.remove();
  return times;
}

/** Milliseconds from one frame to the next while the fixed work is done at each, for a time. */
async function fixedPlay(milliseconds) {
  const fixed = new FixedLoad();
  const times = await intervals(milliseconds, (i) => fixed.draw(i));
  fixed.element.remove();
  return times;
}

/** All figures of the first viewer in the page, by name, in milliseconds; those of the fixed work begin with `fixed`. */
async function measure() {
  const root = document.querySelector(".heapwidget");
  const { steps: all, slider } = controls(root);
  const figures = { paint: await firstPaint };
  // Reaching the end once leaves no part of the trace unprepared.
  figures.first_seek = await frame(() => drag(slider, all));
  figures.fixed_load = await fixedLoad();
  [figures.seek, figures.fixed_frame] = await quietest(
    5,
    () => seeks(root, 60, 0, all),
    () => fixedFrames(60),
  );
  const third = Math.floor(all / 3);
  [figures.step] = await quietest(3, async () => {
    await frame(() => drag(slider, third));
    return steps(root, 40);
  });
  const speed = root.querySelector("select[aria-label=Speed]");
  speed.append(new Option("60 a second", 1000 / 60));
  speed.value = 1000 / 60;
  speed.dispatchEvent(new Event("change", { bubbles: true }));
  const runs = [];
  figures.play = figures.fixed_play = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 8; i++) {
    const run = await playing(root, Math.floor((all * (i + 1)) / 10), 1000);
    runs.push(run);
    figures.play = Math.min(figures.play, Math.max(...run.times));
    figures.fixed_play = Math.min(figures.fixed_play, Math.max(...(await fixedPlay(1000))));
  }
  figures.pops_a_second = Math.max(...runs.map(({ pops }) => pops));
  return figures;
}

async function print() {
  const figures = await measure();
  const list = document.createElement("dl");
  list.id = "figures";
  for (const [name, value] of Object.entries(figures)) {
    const [term, definition] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    definition.textContent = value.toFixed(1);
    list.append(term, definition);
  }
  document.body.append(list);
  // Where it can be read without tools, which would have a part in what is measured.
  document.title = JSON.stringify(figures);
}

// Once the page is there; where this is loaded into another page, that was long ago.
if (document.readyState !== "complete") addEventListener("load", print);
