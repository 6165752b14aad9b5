/**
 * Node labels. Python makes the same ones:
 * the layer's label, then `·channel` if the layer has a channel axis and the box is smaller than it, then ` (i,j)`
 * for the position axes along which the box is smaller than the axis. A box of size 1 along an axis is told by its
 * index, a larger one by its first and last unit, `a–b`. A layer of one node is just its label. Nodes of an image
 * input are `pixel (i,j)`.
 */

import { boxOf, layerIndex, type Layer, type Trace } from "./trace";

export interface NodeLabel {
  /** `conv2·8` */
  readonly name: string;
  /** `(1,0)`, or nothing. */
  readonly place: string;
}

function range(layer: Layer, axis: number, [from, to]: readonly [number, number]): string {
  return layer.box[axis] === 1 ? String(from) : `${from}–${to - 1}`;
}

export function labelParts(trace: Trace, node: number, image: boolean): NodeLabel {
  const index = layerIndex(trace, node);
  const layer = trace.layers[index] as Layer;
  let name = index === 0 && image ? "pixel" : layer.label;
  const places: string[] = [];
  boxOf(layer, node).forEach((units, axis) => {
    if ((layer.box[axis] ?? 1) >= (layer.shape[axis] ?? 1)) return;
    if (axis === layer.channelAxis && index > 0) name += `·${range(layer, axis, units)}`;
    else places.push(range(layer, axis, units));
  });
  return { name, place: places.length ? `(${places.join(",")})` : "" };
}

export function nodeLabel(trace: Trace, node: number, image: boolean): string {
  const { name, place } = labelParts(trace, node, image);
  return place ? `${name} ${place}` : name;
}

/** Fits a label into `limit` characters by leaving out its beginning: the end tells nodes apart. */
export function shorten(label: string, limit: number): string {
  return label.length <= limit ? label : `…${label.slice(label.length - Math.max(limit - 1, 3))}`;
}
