/** Number of `--series-N` colours in styles/tokens.css. */
export const SERIES = 12;

/** FNV-1a over UTF-16 code units: the same service has the same colour on every page. */
function slotOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % SERIES;
}

export const serviceClass = (name: string): string => `series-${slotOf(name)}`;

/** One colour slot per service, without a clash while there are slots left. */
export function serviceSlots(services: string[]): Uint8Array {
  const taken = new Uint8Array(SERIES);
  const slots = new Uint8Array(services.length);
  services.forEach((name, i) => {
    let slot = slotOf(name);
    for (let step = 0; step < SERIES && taken[slot]; step++) slot = (slot + 1) % SERIES;
    taken[slot] = 1;
    slots[i] = slot;
  });
  return slots;
}
