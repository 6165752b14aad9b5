/**
 * anywidget gives up on a model whose module is not there within two seconds, as happens where many viewers are opened
 * at once: the model is shown and speaks, but all that Python says to it is dropped from then on. This hears it again.
 */

type Handler = (message: unknown) => Promise<unknown>;

/** What is needed of the model that anywidget hands out. */
export interface Front {
  on(event: string, callback: (self: unknown) => void): void;
  off(event: string, callback: (self: unknown) => void): void;
  set(name: string, value: unknown, options?: { unset: boolean }): void;
}

/** The host's own model behind it, with its line to Python. */
interface Behind {
  _handle_comm_msg: Handler;
  comm: { on_msg(handler: Handler): void; send(data: unknown): unknown };
}

/** A message that changes nothing: only a model that is deaf refuses it. */
const NOTHING = { content: { data: {} } };
/** An attribute of no widget, whose events tell whose they are. */
const SELF = "_self";

/** Waits until the model hears, or is given up; then it is made to hear, and `onMended` is called. */
export async function keepHearing(front: Front, onMended: () => void): Promise<void> {
  const behind = behindOf(front);
  const hear = behind && handlerBelow(behind);
  if (!hear) return;
  try {
    await behind._handle_comm_msg(NOTHING);
  } catch {
    behind.comm.on_msg((message) => hear.call(behind, message));
    // What was said in the meantime is in the state as it is now.
    behind.comm.send({ method: "request_state" });
    onMended();
  }
}

/** The model that fires the events; null in a host that is no Jupyter. */
function behindOf(front: Front): Behind | null {
  let found: Partial<Behind> | undefined;
  const find = (self: unknown) => {
    found ??= (self ?? undefined) as Partial<Behind> | undefined;
  };
  front.on(`change:${SELF}`, find);
  front.set(SELF, true);
  front.set(SELF, undefined, { unset: true });
  front.off(`change:${SELF}`, find);
  return typeof found?._handle_comm_msg === "function" && found.comm ? (found as Behind) : null;
}

/** How the host's own models take a message: what anywidget's handler overrides. */
function handlerBelow(behind: Behind): Handler | null {
  const handlers: Handler[] = [];
  for (let at: object | null = behind; at; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, "_handle_comm_msg")) handlers.push((at as Behind)._handle_comm_msg);
  }
  return handlers[1] ?? null;
}
