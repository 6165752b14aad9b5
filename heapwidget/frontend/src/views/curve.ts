/** Where the relevance is over the steps, as areas; click, drag or keys seek. */

import { formatCount } from "../core/format";
import { curveLabel } from "../core/narration";
import type { Series } from "../core/series";
import { ChartCanvas, HEIGHT } from "./chart";
import { h, setText } from "./dom";
import type { Panel, Stage, View } from "./panel";

const FALLBACK_WIDTH = 640;
/** The label of the cursor keeps this far from the upper and lower edge. */
const LABEL_HEIGHT = 18;
/** Steps that Page Up and Page Down take, as a part of all. */
const PAGE = 20;

export const curvePanel: Panel = {
  name: "curve",
  title: "Curve",
  suits: (trace) => trace.steps > 0,
  create: (root, stage) => new CurveView(root, stage),
};

class CurveView implements View {
  readonly #root: HTMLElement;
  readonly #stage: Stage;
  readonly #plotted: ChartCanvas;
  readonly #dot = h("i", { class: "hw-cursor-dot" });
  readonly #label = h("span", { class: "hw-cursor-label" });
  readonly #cursor = h("div", { class: "hw-cursor", "aria-hidden": "true" }, this.#dot, this.#label);
  readonly #ghost = h("div", { class: "hw-ghost", "aria-hidden": "true", hidden: true });
  readonly #plot: HTMLElement;
  #width = FALLBACK_WIDTH;
  /** Changes of size seen so far. */
  #measured = 0;
  /** Size and theme that the canvas shows. */
  #drawn = "";

  constructor(root: HTMLElement, stage: Stage) {
    this.#root = root;
    this.#stage = stage;
    this.#plotted = new ChartCanvas(stage.session.trace);
    this.#plot = h(
      "div",
      {
        class: "hw-curve",
        role: "slider",
        tabindex: 0,
        "aria-label": "Seek",
        "aria-valuemin": 0,
        "aria-valuemax": stage.session.steps,
      },
      this.#plotted.canvas,
      this.#ghost,
      this.#cursor,
    );
    const dashed = this.#plotted.chart.series.some((s) => s.id === "bound") ? "dashed: certified error" : "";
    root.append(h("h3", { class: "hw-heading" }, "Curve", h("span", {}, dashed)), this.#plot);
    this.#listen(stage);
  }

  update(): void {
    const { session, theme } = this.#stage;
    this.#measure();
    const drawn = `${this.#width} ${theme.palette.dark} ${globalThis.devicePixelRatio}`;
    if (drawn !== this.#drawn)
      this.#plotted.draw(this.#width, getComputedStyle(this.#root).fontFamily, theme.palette);
    this.#drawn = drawn;
    const { step } = session.state;
    const front = this.#front(step);
    const popped = this.#plotted.chart.series.find((s) => s.id === "popped");
    const text = curveLabel(session.trace, step, popped?.at(step) ?? 0);
    const x = (step / session.steps) * this.#width;
    const y = this.#plotted.y(front.at(step));
    this.#cursor.style.transform = `translateX(${x.toFixed(2)}px)`;
    this.#dot.style.transform = `translateY(${(y - 5.5).toFixed(2)}px)`;
    setText(this.#label, text);
    const width = theme.textWidth(text) * (12 / 11) + 24;
    this.#label.classList.toggle("hw-left", x + width > this.#width);
    const top = Math.min(Math.max(y - LABEL_HEIGHT / 2, 0), HEIGHT - LABEL_HEIGHT) + 4;
    this.#label.style.transform = `translateY(${top.toFixed(1)}px)`;
    this.#plot.setAttribute("aria-valuenow", String(step));
    this.#plot.setAttribute("aria-valuetext", `${formatCount(step)}: ${text}`);
  }

  destroy(): void {
    this.#root.replaceChildren();
  }

  #listen({ session, signal }: Stage): void {
    const plot = this.#plot;
    const stepAt = (event: PointerEvent) => {
      const box = plot.getBoundingClientRect();
      return Math.round(((event.clientX - box.left) / box.width) * session.steps);
    };
    const seek = (event: PointerEvent) =>
      session.update({ step: stepAt(event), playing: false, scrubbing: true });
    const release = () => session.update({ scrubbing: false });
    plot.addEventListener(
      "pointerdown",
      (event) => {
        if (event.button !== 0) return;
        plot.setPointerCapture?.(event.pointerId);
        seek(event);
      },
      { signal },
    );
    plot.addEventListener(
      "pointermove",
      (event) => {
        if (session.state.scrubbing && (event.buttons & 1) === 1) seek(event);
        const box = plot.getBoundingClientRect();
        this.#ghost.hidden = event.pointerType === "touch";
        this.#ghost.style.transform = `translateX(${event.clientX - box.left}px)`;
        plot.title = this.#said(stepAt(event));
      },
      { signal },
    );
    plot.addEventListener("pointerup", release, { signal });
    plot.addEventListener("pointercancel", release, { signal });
    plot.addEventListener(
      "pointerleave",
      () => {
        this.#ghost.hidden = true;
      },
      { signal },
    );
    plot.addEventListener(
      "keydown",
      (event) => {
        const page = Math.max(Math.round(session.steps / PAGE), 1);
        const by = event.key === "PageUp" ? page : event.key === "PageDown" ? -page : 0;
        if (by === 0) return;
        event.preventDefault();
        session.seek(session.state.step + by);
      },
      { signal },
    );
  }

  /** What the cursor would say at a step. */
  #said(at: number): string {
    const { trace, steps } = this.#stage.session;
    const step = Math.min(Math.max(at, 0), steps);
    const popped = this.#plotted.chart.series.find((s) => s.id === "popped");
    return `${formatCount(step)}: ${curveLabel(trace, step, popped?.at(step) ?? 0)}`;
  }

  /** The line on which the cursor's dot sits. */
  #front(step: number): Series {
    const { series } = this.#plotted.chart;
    const wanted = step > this.#stage.session.trace.finishEnd ? "popped" : "explained";
    return series.find((s) => s.id === wanted) ?? (series[0] as Series);
  }

  #measure(): void {
    const { changes } = this.#stage.sizes;
    if (changes === this.#measured) return;
    this.#measured = changes;
    this.#width = Math.floor(this.#root.clientWidth) || FALLBACK_WIDTH;
  }
}
