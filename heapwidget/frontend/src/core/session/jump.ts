/** Where the pops of a layer, or of a node, are: what the cursor jumps to. */

import { rankOf } from "../trace/sorted";
import { layerIndex, type Trace } from "../trace/trace";

/** A layer or a node, by its number. */
export type Target = { readonly layer: number } | { readonly node: number };

/** The steps that pops of the target lead to, in order. A layer passed on as a whole is a pop of the layer alone. */
export function popSteps(trace: Trace, target: Target): Uint32Array {
  const { popNode, walkEnd, finishEnd, steps } = trace;
  const layer = "layer" in target ? trace.layers[target.layer] : undefined;
  const [from, to] = layer ? [layer.first, layer.first + layer.count] : [0, 0];
  const node = "node" in target ? target.node : -1;
  const found: number[] = [];
  for (let row = 0; row < steps; row++) {
    const popped = popNode[row] as number;
    const hit = layer
      ? popped >= from && popped < to
      : popped === node && (row < walkEnd || row >= finishEnd);
    if (hit) found.push(row + 1);
  }
  return Uint32Array.from(found);
}

/** The layers of which any node is popped, from the input on. */
export function poppedLayers(trace: Trace): readonly number[] {
  const found = new Set<number>();
  for (const node of trace.popNode) found.add(layerIndex(trace, node));
  return [...found].sort((a, b) => a - b);
}

/** The nearest of the steps after `step`, or before it; undefined: there is none. */
export function nextPop(popSteps: Uint32Array, step: number, forward: boolean): number | undefined {
  return forward ? popSteps[rankOf(popSteps, step)] : popSteps[rankOf(popSteps, step - 1) - 1];
}
