/** The whole viewer in one element: title, panels, transport, narration, and the keys. */

import type { Session } from "../core/session/session";
import { TraceError } from "../core/trace/trace";
import { h } from "../kit/dom";
import type { Stage, View } from "../kit/panel";
import { watchSight } from "../kit/sight";
import { Theme } from "../kit/theme";
import { Patches } from "../panels/input/patches";
import { BookmarkLabel } from "./bookmark";
import { failureText } from "./failure";
import { PanelGrid } from "./grid";
import { onKey } from "./keys";
import { LinkNote } from "./linked";
import { Narration, Title } from "./title";
import { Transport } from "./transport";

/** Below this width the panels stand one under another; below that, the slider has a line of its own. */
const STACKED = 700;
const TIGHT = 1100;

/** What a view is asked to take up again when it is shown anew. */
export interface Memory {
  /** Name of the sheet that was open. */
  readonly sheet: string;
  /** Whether it had the focus. */
  readonly focused: boolean;
}

/** Shows a session in `parent`; the returned function takes it away again, and tells what is to be taken up. */
export function mountViewer(parent: HTMLElement, session: Session, memory?: Memory): () => Memory {
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
  const inSight = watchSight(root, draw, signal);
  const theme = new Theme(root, draw, signal);
  const sizes = { changes: 1 };
  const stage: Stage = { session, theme, patches: new Patches(), sizes, signal };
  const title = new Title(session, signal);
  const panels = new PanelGrid(stage);
  const transport = new Transport(session, signal);
  const bookmark = new BookmarkLabel(session, signal);
  const narration = new Narration(session);
  const linked = new LinkNote(session);
  const views: View[] = [title, panels, transport, bookmark, narration, linked];
  const told = h("div", { class: "hw-told" }, bookmark.element, narration.element);
  root.append(
    title.element,
    panels.element,
    h("footer", { class: "hw-foot" }, transport.element, told, linked.element),
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
    // Many viewers may play in one notebook: those out of sight are drawn when they come back, or when they stop.
    if (session.state.playing && !inSight()) return;
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
  const targets = { close: () => title.close(), jump: (forward: boolean) => transport.jump(forward) };
  root.addEventListener("keydown", (event) => onKey(event, session, targets), { signal });

  if (memory?.focused) root.focus({ preventScroll: true });
  title.sheet = memory?.sheet ?? "";

  return () => {
    const { activeElement } = root.getRootNode() as Document | ShadowRoot;
    const left = { sheet: title.sheet, focused: root.contains(activeElement) };
    controller.abort();
    unsubscribe();
    resize.disconnect();
    for (const view of views) view.destroy();
    root.remove();
    return left;
  };
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
