/**
 * Sees every frame that passes a place, at a link or at a port of a switch, as a capture does. The frame stays its owner's:
 * who wants to keep its octets copies them.
 */
export interface FrameWitness {
  record(frame: Uint8Array): void
}

/** With one more witness; null stands for none, so that an unwatched place costs one comparison a frame. */
export function withWitness(
  witnesses: readonly FrameWitness[] | null,
  witness: FrameWitness,
): readonly FrameWitness[] | null {
  if (witnesses === null) return [witness]
  return witnesses.includes(witness) ? witnesses : [...witnesses, witness]
}

export function withoutWitness(
  witnesses: readonly FrameWitness[] | null,
  witness: FrameWitness,
): readonly FrameWitness[] | null {
  const others = witnesses?.filter((other) => other !== witness) ?? []
  return others.length === 0 ? null : others
}

export function tellWitnesses(witnesses: readonly FrameWitness[], frame: Uint8Array): void {
  for (const witness of witnesses) witness.record(frame)
}
