/**
 * What a person may write beside a policy's name, told by the policy itself: the config, the JSON Schema and the docs all
 * follow from it. A value is what the policy is handed: durations are milliseconds, shares are from 0 to 1.
 */
export type PolicyOption = Readonly<
  { about: string } & (
    | { kind: 'word'; words: readonly string[]; default: string }
    | { kind: 'whole'; min: number; max: number; default: number; fault?: (value: number) => string | undefined }
    | { kind: 'number'; min: number; max: number; default: number }
    | { kind: 'share'; default: number }
    | { kind: 'duration'; min?: string; max?: string; default: number }
    | { kind: 'token'; default: string }
  )
>

export type PolicyOptions = Readonly<Record<string, PolicyOption>>

/** Values by option: what was written, and the default of all else. */
export type OptionValues = Readonly<Record<string, string | number>>

/** The values of all options of a policy; what is no option of it is left out. */
export function completeOptions(options: PolicyOptions, written: Readonly<Record<string, unknown>>): OptionValues {
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => {
      const value = Object.hasOwn(written, name) ? written[name] : undefined
      return [name, typeof value === typeof option.default ? (value as string | number) : option.default]
    }),
  )
}
