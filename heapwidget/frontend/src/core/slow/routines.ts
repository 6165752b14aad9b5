/**
 * The heap's routines as the code panel shows them: those of CPython's heapq, in Python, and the one line more that
 * re-keying takes. tests/golden/make_substeps.py runs this very text.
 */

export const ROUTINES = {
  heappush: ["def heappush(heap, item):", "    heap.append(item)", "    _siftdown(heap, 0, len(heap) - 1)"],
  heappop: [
    "def heappop(heap):",
    "    lastelt = heap.pop()",
    "    if heap:",
    "        returnitem = heap[0]",
    "        heap[0] = lastelt",
    "        _siftup(heap, 0)",
    "        return returnitem",
    "    return lastelt",
  ],
  rekey: [
    "def rekey(heap, pos, item):",
    "    rises = item < heap[pos]",
    "    heap[pos] = item",
    "    if rises:",
    "        _siftdown(heap, 0, pos)",
    "    else:",
    "        _siftup(heap, pos)",
  ],
  _siftdown: [
    "def _siftdown(heap, startpos, pos):",
    "    newitem = heap[pos]",
    "    while pos > startpos:",
    "        parentpos = (pos - 1) >> 1",
    "        parent = heap[parentpos]",
    "        if newitem < parent:",
    "            heap[pos] = parent",
    "            pos = parentpos",
    "            continue",
    "        break",
    "    heap[pos] = newitem",
  ],
  _siftup: [
    "def _siftup(heap, pos):",
    "    endpos = len(heap)",
    "    startpos = pos",
    "    newitem = heap[pos]",
    "    childpos = 2 * pos + 1",
    "    while childpos < endpos:",
    "        rightpos = childpos + 1",
    "        if rightpos < endpos and not heap[childpos] < heap[rightpos]:",
    "            childpos = rightpos",
    "        heap[pos] = heap[childpos]",
    "        pos = childpos",
    "        childpos = 2 * pos + 1",
    "    heap[pos] = newitem",
    "    _siftdown(heap, startpos, pos)",
  ],
} as const satisfies Record<string, readonly string[]>;

export type Routine = keyof typeof ROUTINES;

/** A line of a routine: 0 is its `def`. */
export interface CodeLine {
  readonly routine: Routine;
  readonly line: number;
}

/** Finds a line by how it begins; `nth` where several begin so. */
export function codeLine(routine: Routine, begin: string, nth = 0): CodeLine {
  const lines: readonly string[] = ROUTINES[routine];
  const found = lines.flatMap((text, line) => (text.trim().startsWith(begin) ? [line] : []));
  return { routine, line: found[nth] as number };
}
