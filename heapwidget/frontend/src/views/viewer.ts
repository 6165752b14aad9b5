/** The whole viewer in one element: title, panels, transport, narration, and the keys. */

import type { Session } from "../core/session";
import { TraceError } from "../core/trace";
import { Narration, Title } from "./chrome";
import { h } from "./dom";
import { failureText } from "./failure";
import type { Panel, Stage, View } from "./panel";
import { panelsFor } from "./panels";
import { Patches } from "./patches";
import { Theme } from "./theme";
import { Transport } from "./transport";

/** Below this width the panels stand one under another; below that, the slider has a line of its own. */
const STACKED = 700;
const TIGHT = 900;

/** Shows a session in `parent`; the returned function takes it away again. */
export function mountViewer(parent: HTMLElement, session: Session): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  const root = h("div", {
    class: "heapwidget",
    tabindex: 0,
    "data-lm-suppress-shortcuts": "true",
    "data-steps": session.steps,
  });
  root.setAttribute("aria-label", `Heap viewer: ${session.trace.target.label}`);
  root.setAttribute("role", "group");
  parent.append(root);

  const draw = frameScheduler(() => update(), signal);
  const theme = new Theme(root, draw, signal);
  const sizes = { changes: 1 };
  const stage: Stage = { session, theme, patches: new Patches(), sizes, signal };
  const title = new Title(session, signal);
  const panels = new PanelGrid(stage);
  const views: View[] = [title, panels, new Transport(session, signal), new Narration(session)];
  const [, , transport, narration] = views as [Title, PanelGrid, Transport, Narration];
  root.append(
    title.element,
    panels.element,
    h("footer", { class: "hw-foot" }, transport.element, narration.element),
  );

  let failed = false;
  function update(): void {
    if (failed) return;
    try {
      show();
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      failed = true;
      root.classList.add("hw-failure");
      root.setAttribute("role", "alert");
      root.replaceChildren(failureText(), error.message);
    }
  }

  function show(): void {
    root.dataset.step = String(session.state.step);
    root.dataset.substep = String(session.state.sub);
    root.classList.toggle("hw-playing", session.state.playing);
    for (const view of views) view.update();
  }

  const onResize = () => {
    sizes.changes++;
    const width = root.clientWidth || Number.POSITIVE_INFINITY;
    root.classList.toggle("hw-stacked", width < STACKED);
    root.classList.toggle("hw-tight", width < TIGHT);
    draw();
  };
  onResize();
  update();
  const unsubscribe = session.subscribe(draw);
  const resize = new ResizeObserver(onResize);
  resize.observe(root);
  // The ratio of pixels changes with the zoom, and the size need not.
  globalThis.addEventListener?.("resize", onResize, { signal });
  root.addEventListener("keydown", (event) => onKey(event, session, title), { signal });

  return () => {
    controller.abort();
    unsubscribe();
    resize.disconnect();
    for (const view of views) view.destroy();
    root.remove();
  };
}

/** The panels that the state asks for, each in a region of its own. */
class PanelGrid implements View {
  readonly element = h("div", { class: "hw-panels" });
  readonly #stage: Stage;
  readonly #panels: readonly Panel[];
  /** Panels on screen, by name. */
  readonly #shown = new Map<string, { view: View; region: HTMLElement }>();

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#panels = panelsFor(stage.session.trace);
  }

  update(): void {
    const wanted = this.#stage.session.state.panels;
    for (const panel of this.#panels) {
      const shown = this.#shown.get(panel.name);
      if (shown && !wanted.includes(panel.name)) {
        shown.view.destroy();
        shown.region.remove();
        this.#shown.delete(panel.name);
        this.#stage.sizes.changes++;
      } else if (!shown && wanted.includes(panel.name)) {
        const region = h("section", { class: `hw-panel hw-panel-${panel.name}`, "aria-label": panel.title });
        this.#insert(region, panel.name);
        this.#stage.sizes.changes++;
        this.#shown.set(panel.name, { region, view: panel.create(region, this.#stage) });
      }
    }
    for (const { view } of this.#shown.values()) view.update();
  }

  destroy(): void {
    for (const { view } of this.#shown.values()) view.destroy();
    this.element.remove();
  }

  /** Keeps the order of the registry, whatever the order of asking. */
  #insert(region: HTMLElement, name: string): void {
    const later = this.#panels.slice(this.#panels.findIndex((panel) => panel.name === name) + 1);
    const next = later
      .map((panel) => this.#shown.get(panel.name)?.region)
      .find((element) => element !== undefined);
    this.element.insertBefore(region, next ?? null);
  }
}

/** Several changes within a frame are drawn once. */
function frameScheduler(draw: () => void, signal: AbortSignal): () => void {
  let frame = 0;
  signal.addEventListener("abort", () => cancelAnimationFrame(frame));
  return () => {
    if (frame || signal.aborted) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  };
}

function onKey(event: KeyboardEvent, session: Session, title: Title): void {
  const target = event.composedPath()[0] as Element;
  const tag = target.tagName;
  const choosing = tag === "SELECT" || (tag === "INPUT" && target.getAttribute("type") !== "range");
  if (event.ctrlKey || event.metaKey || event.altKey || (choosing && event.key !== "Escape")) return;
  // A focused button is pressed by the space bar, as anywhere.
  if (event.key === " " && tag === "BUTTON") return;
  const stride = event.shiftKey ? 10 : 1;
  const actions: Record<string, () => void> = {
    ArrowLeft: () => session.move(-stride),
    ArrowRight: () => session.move(stride),
    Home: () => session.seek(0),
    End: () => session.seek(session.steps),
    " ": () => session.toggle(),
    ArrowUp: () => walkTree(session, true),
    ArrowDown: () => walkTree(session, false),
    Escape: () => {
      if (title.close()) return;
      session.update(session.state.selected === null ? { top: 0 } : { selected: null });
    },
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

/** Selects the parent, or the first child, of the selected node; the root if none is selected. */
function walkTree(session: Session, up: boolean): void {
  const { heap } = session;
  if (heap.size === 0) return;
  const { selected } = session.state;
  const cell = selected === null ? -1 : heap.cellOf(selected);
  const next = cell < 0 ? 0 : up ? Math.max((cell - 1) >> 1, 0) : 2 * cell + 1;
  if (next < heap.size) session.update({ selected: heap.nodeAt(next) });
}
