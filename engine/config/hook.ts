import { type Reading, textLeaf } from './leaf.ts'
import { keys } from './names.ts'
import { show } from './wording.ts'

/** Where something is told by POST, and the file of the secret it is signed with. */
export function hook() {
  return keys({
    url: textLeaf({
      what: 'a url',
      wish: 'write http://host:port/path or https://host:port/path',
      pattern: '^https?://',
      read: readHookUrl,
    }).describe(
      'http:// or https:// with host and path; JSON is sent there with POST, and 2xx within 5s is a yes. Required.',
    ),
    secretFile: textLeaf({
      what: 'a file',
      wish: 'write the name of a file',
      read: (text): Reading<string> =>
        text === '' ? { fault: 'is empty; write the name of a file' } : { value: text },
    })
      .optional()
      .describe(
        'File with a secret: the header x-signalbox-signature is sha256= and the HMAC of the body. Default absent: none.',
      ),
  })
}

/** A url with a path. Never repeats one that carries credentials. */
function readHookUrl(text: string): Reading<string> {
  if (!/^https?:\/\/[^/\\]/i.test(text) || !URL.canParse(text)) {
    return { fault: `${text.includes('@') ? 'is' : `${show(text)} is`} not a url; write http://host:port/path` }
  }
  const { username, password, href } = new URL(text)
  if (username !== '' || password !== '')
    return { fault: 'carries a user name or password; leave them out, use secretFile' }
  return { value: href }
}
