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

/** Milliseconds from one frame to the next while it plays on from a step for a time. */
async function playing(root, from, milliseconds) {
  const { slider, play } = controls(root);
  await frame(() => drag(slider, from));
  slider.dispatchEvent(new Event("change", { bubbles: true }));
  await frame(() => play.click());
  const times = [];
  await new Promise((resolve) => {
    let last;
    const begun = performance.now();
    const tick = (now) => {
      if (last !== undefined) times.push(now - last);
      last = now;
      if (now - begun < milliseconds) requestAnimationFrame(tick);
      else resolve();
    };
    requestAnimationFrame(tick);
  });
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

/** The least of some rounds: other programs on the machine only ever add time. */
async function quietest(rounds, round) {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i++) least = Math.min(least, await round());
  return least;
}

/** All figures of the first viewer in the page, by name, in milliseconds. */
async function measure() {
  const root = document.querySelector(".heapwidget");
  const { steps: all, slider } = controls(root);
  const figures = { paint: await firstPaint };
  // Reaching the end once leaves no part of the trace unprepared.
  figures.first_seek = await frame(() => drag(slider, all));
  figures.seek = await quietest(3, async () => at(await seeks(root, 100, 0, all), 0.95));
  await frame(() => drag(slider, Math.floor(all / 3)));
  figures.step = await quietest(3, async () => at(await steps(root, 40), 0.95));
  const speed = root.querySelector("select[aria-label=Speed]");
  speed.append(new Option("60 a second", 1000 / 60));
  speed.value = 1000 / 60;
  speed.dispatchEvent(new Event("change", { bubbles: true }));
  const runs = [];
  for (let i = 0; i < 5; i++) runs.push(await playing(root, Math.floor((all * (i + 1)) / 8), 2000));
  figures.play = Math.min(...runs.map(({ times }) => Math.max(...times)));
  figures.pops_a_second = Math.max(...runs.map(({ pops }) => pops / 2));
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
