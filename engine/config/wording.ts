import { nearest } from './nearest.ts'

/** Longest piece of a written value a message repeats: enough to find it, too little to flood a log. */
const SHOWN_CHARACTERS = 80

/** Most names a message lists: ten thousand services are no help. */
const LISTED_MAX = 20

// Control and direction characters that JSON leaves alone but a terminal or a log obeys.
const UNPRINTABLE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** A written value as a message repeats it: quoted, cut to length, and without characters a terminal would obey. */
export function show(written: unknown): string {
  if (typeof written !== 'string') return String(written)
  const short = written.length > SHOWN_CHARACTERS ? `${written.slice(0, SHOWN_CHARACTERS)}…` : written
  return printable(JSON.stringify(short))
}

/** The text with its unprintable characters written as `\u` escapes. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose.
  return text.replace(/[\u0000-\u001f]/g, escaped).replace(UNPRINTABLE, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** What stands there, as a reader would call it: "a list", "a map of keys", "nothing", or the scalar itself. */
export function kindOf(written: unknown): string {
  if (written === null || written === undefined) return 'nothing'
  if (Array.isArray(written)) return 'a list'
  return typeof written === 'object' ? 'a map of keys' : show(written)
}

/**
 * The sentence for a word that is none of the known ones: the nearest is suggested, or else the `listed` ones are told.
 */
export function notOneOf(written: string, what: string, known: readonly string[], listed = known): string {
  const suggestion = nearest(written, known)
  const wish =
    suggestion === undefined
      ? `write one of ${listed.slice(0, LISTED_MAX).join(', ')}`
      : `did you mean "${suggestion}"?`
  return `${show(written)} is not ${what}; ${wish}`
}

/** The sentence for an unknown key. */
export function unknownKey(key: string, known: readonly string[]): string {
  if (key === '<<')
    return 'unknown key; merge keys are not read, so write the keys out or repeat a whole value with an alias'
  const suggestion = nearest(key, known)
  return suggestion === undefined
    ? `unknown key; the keys known here are ${known.join(', ')}`
    : `unknown key; did you mean "${suggestion}"?`
}

/** The key that `unknownKey` suggested in this sentence, or undefined. */
export function suggestedKey(message: string): string | undefined {
  return /^unknown key; did you mean "(.+)"\?$/.exec(message)?.[1]
}
