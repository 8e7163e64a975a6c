import { z } from 'zod'
import { type Reading, textLeaf } from './leaf.ts'
import { keys } from './names.ts'
import { show } from './wording.ts'

/** Header fields as a config writes them: their names, their values, and what may be done to them. */

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/

/** Longest value of a field, in characters: a request with a few of them still fits where headers are limited to 8 KiB. */
const VALUE_LENGTH = 4096

/** Fields of one connection or of the framing: the proxy writes them itself, and a wrong one is a second request. */
const OWN_FIELDS = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'http2-settings', 'expect'],
  ...['proxy-authenticate', 'proxy-authorization', 'proxy-authentication-info'],
  ...['content-length', 'transfer-encoding'],
])

function readFieldName(text: string): Reading<string> {
  if (TOKEN.test(text)) return { value: text }
  return { fault: `${show(text)} is not a header name; write letters, digits and -_.!~ alone` }
}

/** The name of any field of a request. Its host has a key of its own, which knows about case and port. */
export const askedFieldName = () =>
  textLeaf<string>({
    what: 'a header name',
    wish: 'write a header name',
    read: text => (text.toLowerCase() === 'host' ? { fault: `${show(text)} is matched by host` } : readFieldName(text)),
  })

/** The name of a field that may be written; `reserved` have a key of their own, which the message names. */
const fieldName = (reserved: Readonly<Record<string, string>>) =>
  textLeaf<string>({
    what: 'a header name',
    wish: 'write a header name',
    read: text => {
      const name = text.toLowerCase()
      if (OWN_FIELDS.has(name)) return { fault: `${show(text)} is the proxy's own to write; leave it out` }
      if (Object.hasOwn(reserved, name)) return { fault: `${show(text)} is not written here; ${reserved[name]}` }
      return readFieldName(text)
    },
  })

/** The value of a field. */
export const fieldValue = (what = 'a header value') =>
  textLeaf<string>({
    what,
    wish: 'write a text',
    read: text =>
      text.length <= VALUE_LENGTH && /^(?:[!-~](?:[\t -~]*[!-~])?)?$/.test(text)
        ? { value: text }
        : {
            fault: `${show(text)} is not ${what}; write visible ASCII characters, with blanks between them only, up to ${VALUE_LENGTH}`,
          },
  })

/** Fields by name. Two spellings of one name are one field, so they are refused. */
export const fields = (reserved: Readonly<Record<string, string>> = {}) =>
  z.record(fieldName(reserved), fieldValue()).superRefine((map, context) => {
    const first = new Map<string, string>()
    for (const name of Object.keys(map)) {
      const before = first.get(name.toLowerCase())
      first.set(name.toLowerCase(), name)
      if (before === undefined) continue
      const message = `is the same header as ${show(before)}; write it once`
      context.addIssue({ code: 'custom', message, path: [name] })
    }
  })

/** Changes to a header: first what is removed, then what is set, then what is added. */
export const fieldEdits = (reserved: Readonly<Record<string, string>> = {}) =>
  keys({
    set: fields(reserved)
      .prefault({})
      .describe('Headers by name that have this one value, whatever they had before. Default none.'),
    add: fields(reserved)
      .prefault({})
      .describe('Headers by name that are added to those of the same name. Default none.'),
    remove: z.array(fieldName(reserved)).prefault([]).describe('Names of headers that are left out. Default none.'),
  })
