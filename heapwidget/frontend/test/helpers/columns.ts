/** Columns as buffers, from lists of numbers. */

const INTEGERS = new Set(["pop_node", "certain", "log_offset", "log_node"]);

/** Columns as a comm brings them: views that begin at an odd byte of a larger buffer. */
export function asViews(columns: Readonly<Record<string, readonly number[]>>): Record<string, DataView> {
  return Object.fromEntries(
    Object.entries(columns).map(([name, values]) => {
      const words = INTEGERS.has(name) ? Uint32Array.from(values) : Float32Array.from(values);
      const buffer = new ArrayBuffer(words.byteLength + 3);
      new Uint8Array(buffer, 3).set(new Uint8Array(words.buffer));
      return [name, new DataView(buffer, 3)];
    }),
  );
}
