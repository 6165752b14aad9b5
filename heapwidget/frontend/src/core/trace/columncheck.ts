/** Whether a trace's columns fit its header and one another; their lengths are known to be right. */

import { fail } from "./error";
import { hasSquares, squareOf } from "./squares";
import type { Trace } from "./trace";

/** Throws a `TraceError` that names the first column that is wrong. */
export function checkColumns(trace: Trace): void {
  checkNodes(trace);
  if (
    hasSquares(trace) &&
    trace.logNode.some((node) => node < trace.inputCount && squareOf(trace, node) !== node)
  )
    fail("Column log_node reaches a position of the input that begins no square.");
  checkOffsets(trace);
  const { popMass, logKey, contribution, explained, absorbed, dust, bound } = trace;
  const finite = { pop_mass: popMass, log_key: logKey, contribution, explained, absorbed };
  for (const [column, values] of Object.entries(finite)) {
    if (!values.every(Number.isFinite)) fail(`Column ${column} holds a value that is not finite.`);
  }
  for (const [column, values] of Object.entries({ dust, bound })) {
    if (values.some(Number.isNaN)) fail(`Column ${column} holds a value that is no number.`);
  }
  trace.certain.forEach((count, row) => {
    if (count < (trace.certain[row - 1] ?? 0) || count > trace.inputCount)
      fail("Column certain falls, or counts more positions than the inputs have.");
  });
}

function checkOffsets({ logOffset, logNode, walkEnd, finishEnd, inputCount }: Trace): void {
  for (let i = 1; i < logOffset.length; i++) {
    if ((logOffset[i] as number) < (logOffset[i - 1] as number)) fail(`Column log_offset falls at row ${i}.`);
  }
  if (logOffset[0] !== 0 || logOffset[logOffset.length - 1] !== logNode.length)
    fail("Column log_offset does not cover the log.");
  if (logOffset[finishEnd] !== logNode.length) fail("Column log_offset: the collect phase has a log.");
  const finish = logNode.subarray(logOffset[walkEnd]);
  checkBelow(finish, inputCount, "log_node (finish)");
}

function checkNodes(trace: Trace): void {
  const { popNode, logNode, nodeCount, inputCount, walkEnd, finishEnd, layers } = trace;
  const lowest = trace.inputInHeap ? 0 : inputCount;
  for (const [node] of trace.start) {
    if (node < lowest || node >= nodeCount)
      fail(`The start names node ${node}, which cannot be in the heap.`);
  }
  checkBelow(popNode, nodeCount, "pop_node");
  checkBelow(logNode, nodeCount, "log_node");
  checkBelow(popNode.subarray(finishEnd), inputCount, "pop_node (collect)");
  const collected = new Uint8Array(inputCount);
  for (const node of popNode.subarray(finishEnd)) {
    if (collected[node]) fail("Column pop_node: a position is collected twice.");
    collected[node] = 1;
  }
  if (popNode.subarray(0, walkEnd).some((node) => node < lowest))
    fail("Column pop_node walks over the input, which is not in the heap.");
  const firsts = new Set(layers.slice(trace.inputs).map(({ first }) => first));
  if (!popNode.subarray(walkEnd, finishEnd).every((node) => firsts.has(node)))
    fail("Column pop_node finishes something else than a layer.");
}

function checkBelow(nodes: Uint32Array, limit: number, column: string): void {
  for (let i = 0; i < nodes.length; i++) {
    if ((nodes[i] as number) >= limit)
      fail(`Column ${column}: node ${nodes[i]} at ${i}, but there are ${limit} nodes.`);
  }
}
