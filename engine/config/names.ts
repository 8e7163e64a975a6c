import { z } from 'zod'
import { PATH } from './canonical-path.ts'
import { leaf, type Reading, textLeaf } from './leaf.ts'
import { isName } from './safe-name.ts'
import { kindOf, notOneOf, show, unknownKey } from './wording.ts'

/**
 * A map of exactly these keys. Zod reports all unknown keys of a map as one issue; the message has one line for each,
 * in the order of `issue.keys`, and the reader of issues takes them apart again.
 */
export function keys<Shape extends z.core.$ZodShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: issue => {
      if (issue.code === 'unrecognized_keys') return issue.keys.map(key => unknownKey(key, known)).join('\n')
      if (issue.input === undefined) return `missing; write a map with the keys ${known.join(', ')}`
      if (issue.input === null) return `has no value; write a map with the keys ${known.join(', ')}`
      return `${kindOf(issue.input)} is not a map of keys; the keys known here are ${known.join(', ')}`
    },
  })
}

/** Longest name of a service or zone, in characters: they become labels of metrics. */
export const NAME_LENGTH = 64

/** A name of up to `longest` characters that is safe in paths, labels and log lines. */
export function name(what: string, longest: number, { mayBeEmpty = false } = {}): z.ZodType<string, string> {
  const wish = `write letters, digits and ._:- only, 1 to ${longest} of them`
  return textLeaf<string>({
    what,
    wish,
    pattern: `^[A-Za-z0-9._:-]{${mayBeEmpty ? 0 : 1},${longest}}$`,
    read: text =>
      isName(text, longest) || (mayBeEmpty && text === '')
        ? { value: text }
        : { fault: `${show(text)} is not ${what}; ${wish}` },
  })
}

/** One word of a list. */
export function choice<Word extends string>(what: string, words: readonly Word[]): z.ZodType<Word, Word> {
  return leaf<Word, Word>({
    what,
    wish: `write one of ${words.join(', ')}`,
    json: { anyOf: [{ enum: [...words] }, { type: 'string', pattern: '\\$\\{' }] },
    read: written => {
      const found = words.find(word => word === written)
      return found === undefined ? { fault: notOneOf(String(written), what, words) } : { value: found }
    },
  })
}

/** The target of a health check: a path, with a query if need be. */
export function readHealthPath(text: string): Reading<string> {
  if (PATH.test(text) && !text.includes('#')) return { value: text }
  return { fault: `${show(text)} is not a path; write a path that begins with /, such as /healthz` }
}

/** A bearer token. The message never repeats it. */
export function readToken(text: string): Reading<string> {
  return /^[!-~]*$/.test(text)
    ? { value: text }
    : { fault: 'has a character that no header can carry; write visible ASCII characters without blanks' }
}
