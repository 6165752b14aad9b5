/** What part of a picture is shown: zoom and pan, with the picture's own size as the unit. */

export interface Camera {
  /** Magnification, 1 or more. */
  readonly scale: number;
  /** Left and upper edge of what is shown, as shares of the picture. */
  readonly x: number;
  readonly y: number;
}

export const WHOLE: Camera = { scale: 1, x: 0, y: 0 };

const within = (at: number, scale: number): number => Math.min(Math.max(at, 0), 1 - 1 / scale);

function camera(scale: number, x: number, y: number): Camera {
  return scale <= 1 ? WHOLE : { scale, x: within(x, scale), y: within(y, scale) };
}

/** Magnifies by a factor around a point of the view, which stays where it is; `u` and `v` are shares of the view. */
export function zoomed(from: Camera, factor: number, u: number, v: number, most: number): Camera {
  const scale = Math.min(Math.max(from.scale * factor, 1), most);
  return camera(scale, from.x + u / from.scale - u / scale, from.y + v / from.scale - v / scale);
}

/** Moves the picture with the pointer, by shares of the view. */
export function panned(from: Camera, du: number, dv: number): Camera {
  return camera(from.scale, from.x - du / from.scale, from.y - dv / from.scale);
}

/** Where a share of the picture lies in the view, along one axis. */
export const toView = (at: number, from: number, scale: number): number => (at - from) * scale;

/** Which share of the picture lies at a share of the view. */
export const toPicture = (at: number, from: number, scale: number): number => from + at / scale;
