/** What a sub-step did, in one plain sentence. */

import { sizeClass } from "../replay/order";
import type { Item } from "../slow/slowheap";
import type { SlowPop, SlowStep } from "../slow/slowpop";
import { layerIndex, type Trace } from "../trace/trace";
import { formatApart, formatCount, formatKey } from "./format";
import { nodeLabel } from "./labels";
import type { Part } from "./narration";

export function narrateSubStep(trace: Trace, pop: SlowPop, step: SlowStep): Part[] {
  return [...context(trace, pop, step), ...deed(trace, pop, step)];
}

function context(trace: Trace, pop: SlowPop, { operation }: SlowStep): Part[] {
  const { kind, node, index, of } = operation;
  if (kind === "pop")
    return [{ text: "Pop " }, { text: nodeLabel(trace, pop.popped.node), kind: "popped" }, { text: ". " }];
  const count = of > 1 ? ` (${formatCount(index)} of ${formatCount(of)})` : "";
  return [
    { text: kind === "push" ? "Push " : "Re-key " },
    { text: nodeLabel(trace, node), kind: "node" },
    { text: `${count}. ` },
  ];
}

function newAndOld(now: number, before: number): string {
  if (now === before) return `The new key is the old one, ${formatKey(now)}`;
  const [is, was] = formatApart(now, before);
  return `New key and old: ${is} ${now < before ? "<" : ">"} ${was}`;
}

/** `5 < 7`, as it is, or what decides between two of one key, in a wave of one size class. */
function compare(trace: Trace, row: number, a: Item, b: Item): string {
  const top = row < trace.walkEnd ? trace.classTop : null;
  if (top !== null && sizeClass(top, a.key) === sizeClass(top, b.key)) {
    const size = `${formatKey(a.key)} and ${formatKey(b.key)} are of one size`;
    const [own, other] = [layerIndex(trace, a.node), layerIndex(trace, b.node)];
    if (own === other) return `${size} and layer, the ${a.node < b.node ? "smaller" : "larger"} id`;
    return `${size}, ${own > other ? "nearer the output" : "farther from the output"}`;
  }
  if (a.key === b.key)
    return `${formatKey(a.key)} both, ${a.node < b.node ? "the smaller id" : "the larger id"}`;
  const [left, right] = formatApart(a.key, b.key);
  return `${left} ${a.key < b.key ? "<" : ">"} ${right}`;
}

function deed(trace: Trace, { row }: SlowPop, { deed }: SlowStep): Part[] {
  const name = (item: Item): Part => ({ text: nodeLabel(trace, item.node), kind: "node" });
  const key = (item: Item) => formatKey(item.key);
  const cell = (n: number) => (n === 0 ? "the top" : `cell ${formatCount(n)}`);
  const into = (n: number) => (n === 0 ? "on top" : `into cell ${formatCount(n)}`);
  switch (deed.kind) {
    case "takeLast":
      return [{ text: "The last cell gives up " }, name(deed.item), { text: `, ${key(deed.item)}.` }];
    case "replaceTop":
      return [name(deed.item), { text: " takes the place of the popped node on top." }];
    case "append":
      return [{ text: `It enters at the end, in cell ${formatCount(deed.cell)}, with ${key(deed.item)}.` }];
    case "ask":
      return [
        {
          text: `${newAndOld(deed.item.key, deed.old.key)}: it ${deed.yes ? "may rise" : "goes down to a leaf, and may rise from there"}.`,
        },
      ];
    case "setKey":
      return [
        {
          text: `It gets its new key, ${key(deed.item)}, ${deed.cell === 0 ? "on top" : `in cell ${formatCount(deed.cell)}`}.`,
        },
      ];
    case "children": {
      const [winner, loser] = deed.rightWins ? [deed.right, deed.left] : [deed.left, deed.right];
      return [
        { text: `${compare(trace, row, winner, loser)}: the ${deed.rightWins ? "right" : "left"} child, ` },
        name(winner),
        { text: ", is to move up." },
      ];
    }
    case "childUp":
      return [
        name(deed.item),
        { text: ` moves up to ${cell(deed.cell)}; the hole is now ${cell(deed.hole)}.` },
      ];
    case "atLeaf":
      return [
        { text: `There is no child: ` },
        name(deed.item),
        { text: ` is put ${into(deed.cell)}, and may rise from there.` },
      ];
    case "parent":
      return [
        { text: `Against its parent ` },
        name(deed.parent),
        {
          text: `: ${compare(trace, row, deed.item, deed.parent)}: ${deed.rises ? "the parent is to move down" : "it stays below"}.`,
        },
      ];
    case "parentDown":
      return [
        name(deed.item),
        { text: ` moves down to ${cell(deed.cell)}; the hole is now ${cell(deed.hole)}.` },
      ];
    case "place":
      return [name(deed.item), { text: ` is put ${into(deed.cell)}.` }];
  }
}
