import { SERIES } from "../service_colour";

/** Colours as the bytes of a canvas pixel hold them. */
export interface Palette {
  series: Uint32Array;
  error: number;
}

/** Reads the theme's colours for drawing; `element` must be on the page. */
export function readPalette(element: HTMLElement): Palette {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const read = (variable: string): number => {
    // Only a computed property has light-dark() resolved for the theme in use.
    element.style.color = `var(${variable})`;
    if (!context) return 0;
    context.fillStyle = getComputedStyle(element).color;
    context.fillRect(0, 0, 1, 1);
    return new Uint32Array(context.getImageData(0, 0, 1, 1).data.buffer)[0];
  };
  const series = Uint32Array.from({ length: SERIES }, (_, slot) => read(`--series-${slot}`));
  return { series, error: read("--error-solid") };
}
