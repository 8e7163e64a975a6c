/** The wall clock, for what people are told: when a config was read. Nothing is decided by it. */

/** Milliseconds since 1970. */
export function wallMs(): number {
  return Date.now()
}
