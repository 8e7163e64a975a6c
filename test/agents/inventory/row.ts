/**
 * One thing that the agents were specified to do, and where it is done and proved. Each part of the control plane lists its own in a
 * file beside this one; completeness.test.ts holds them against ids.ts.
 */
export interface Row {
  /** Of ids.ts. */
  readonly id: string
  /** What it does here, in one line, for the table of the README. */
  readonly does: string
  /** `path#symbol`: where the code is. */
  readonly code: string
  /** The file with the test that has the id in its title, as in `test('… (AC-8)', …)`. */
  readonly test: string
}
