/**
 * Server-Sent Events by fetch, which can carry a token: an EventSource cannot. Reads until the stream ends, says nothing for `silenceMs`,
 * or fails, which throws. Returns the status where the answer is no stream.
 */

export const TOKEN_KEY = 'signalbox-token'

export async function readEvents(path, silenceMs, onEvent, more = {}) {
  const abort = new AbortController()
  let watchdog = setTimeout(() => abort.abort(), silenceMs)
  try {
    const answer = await fetch(path, {
      headers: { ...tokenHeader(), ...more },
      cache: 'no-store',
      signal: abort.signal,
    })
    if (!answer.ok) return answer.status
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return 200
      clearTimeout(watchdog)
      watchdog = setTimeout(() => abort.abort(), silenceMs)
      const events = (text + value).split('\n\n')
      text = events.pop()
      for (const event of events) {
        const fields = Object.fromEntries(event.split('\n').map(line => line.split(/: (.*)/s)))
        if (fields.data !== undefined) onEvent(JSON.parse(fields.data), fields.id)
      }
    }
  } finally {
    clearTimeout(watchdog)
    abort.abort()
  }
}

export function tokenHeader() {
  const token = sessionStorage.getItem(TOKEN_KEY)
  return token === null ? {} : { authorization: `Bearer ${token}` }
}
