/** What is said of a trace that cannot be shown. */

/** The trace is damaged or foreign; the message says where. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}

export const fail = (message: string): never => {
  throw new TraceError(message);
};
