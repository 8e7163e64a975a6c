/** The wall clock: when a config was read, for people, and how old a snapshot of another process is. */

/** Milliseconds since 1970. */
export function wallMs(): number {
  return Date.now()
}
