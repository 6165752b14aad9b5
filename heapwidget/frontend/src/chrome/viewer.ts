/** The whole viewer in one element: title, panels, transport, narration, and the keys. */

import type { Session } from "../core/session/session";
import { TraceError } from "../core/trace/error";
import { h } from "../kit/dom";
import { Frames } from "../kit/frames";
import type { Stage, View } from "../kit/panel";
import { Theme } from "../kit/theme";
import { NodePatches } from "../panels/input/patches";
import { BookmarkLabel } from "./bookmark";
import { failureText } from "./failure";
import { PanelGrid } from "./grid";
import { onKey } from "./keys";
import { Narration } from "./narration";
import { SharedNote } from "./sharednote";
import { watchSight } from "./sight";
import { Title } from "./title";
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
  const viewer = new Viewer(parent, session, memory);
  return () => viewer.leave();
}

class Viewer {
  readonly #controller = new AbortController();
  readonly #root: HTMLElement;
  readonly #stage: Stage;
  readonly #title: Title;
  readonly #views: readonly View[];
  readonly #inSight: () => boolean;
  /** Asks for a drawing in the next frame. */
  readonly #draw: () => void;
  /** Whether the trace turned out to be wrong. */
  #failed = false;

  constructor(parent: HTMLElement, session: Session, memory: Memory | undefined) {
    const { signal } = this.#controller;
    this.#root = rootOf(session);
    parent.append(this.#root);
    const frames = new Frames(() => this.#update(), signal);
    this.#draw = () => frames.start();
    this.#inSight = watchSight(this.#root, this.#draw, signal);
    const theme = new Theme(this.#root, this.#draw, signal);
    this.#stage = { session, theme, patches: new NodePatches(), sizes: { changes: 1 }, signal };
    this.#title = new Title(session, signal);
    const transport = new Transport(session, signal);
    this.#views = this.#fill(transport);
    this.#resize();
    this.#update();
    this.#listen(transport);
    if (memory?.focused) this.#root.focus({ preventScroll: true });
    this.#title.sheet = memory?.sheet ?? "";
  }

  leave(): Memory {
    const { activeElement } = this.#root.getRootNode() as Document | ShadowRoot;
    const left = { sheet: this.#title.sheet, focused: this.#root.contains(activeElement) };
    this.#controller.abort();
    this.#root.remove();
    return left;
  }

  #fill(transport: Transport): View[] {
    const { session, signal } = this.#stage;
    const panels = new PanelGrid(this.#stage);
    const bookmark = new BookmarkLabel(session, signal);
    const narration = new Narration(session);
    const shared = new SharedNote(session);
    const told = h("div", { class: "hw-told" }, bookmark.element, narration.element);
    this.#root.append(
      this.#title.element,
      panels.element,
      h("footer", { class: "hw-foot" }, transport.element, told, shared.element),
    );
    return [this.#title, panels, transport, bookmark, narration, shared];
  }

  #listen(transport: Transport): void {
    const { session, signal } = this.#stage;
    const onResize = () => this.#resize();
    signal.addEventListener("abort", session.subscribe(this.#draw));
    const resize = new ResizeObserver(onResize);
    resize.observe(this.#root);
    signal.addEventListener("abort", () => resize.disconnect());
    // The ratio of pixels changes with the zoom, and the size need not.
    globalThis.addEventListener?.("resize", onResize, { signal });
    const targets = {
      close: () => this.#title.close(),
      jump: (forward: boolean) => transport.jump(forward),
    };
    this.#root.addEventListener("keydown", (event) => onKey(event, session, targets), { signal });
  }

  #resize(): void {
    this.#stage.sizes.changes++;
    const width = this.#root.clientWidth || Number.POSITIVE_INFINITY;
    this.#root.classList.toggle("hw-stacked", width < STACKED);
    this.#root.classList.toggle("hw-tight", width < TIGHT);
    this.#draw();
  }

  /** Draws the state, or what is wrong with the trace; nothing moves by itself: false. */
  #update(): false {
    if (this.#failed) return false;
    try {
      this.#show();
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      this.#failed = true;
      this.#root.classList.add("hw-failure");
      this.#root.setAttribute("role", "alert");
      this.#root.replaceChildren(failureText(), error.message);
    }
    return false;
  }

  #show(): void {
    const { cursor, play } = this.#stage.session.state;
    this.#root.dataset.step = String(cursor.step);
    this.#root.dataset.substep = String(cursor.sub);
    this.#root.classList.toggle("hw-playing", play.playing);
    // Many viewers may play in one notebook: those out of sight are drawn when they come back, or when they stop.
    if (play.playing && !this.#inSight()) return;
    for (const view of this.#views) view.update();
  }
}

function rootOf({ steps, trace }: Session): HTMLElement {
  const root = h("div", {
    class: "heapwidget",
    tabindex: 0,
    "data-lm-suppress-shortcuts": "true",
    "data-steps": steps,
  });
  root.setAttribute("aria-label", `Heap viewer: ${trace.target.label}`);
  root.setAttribute("role", "group");
  return root;
}
