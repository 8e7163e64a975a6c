import { STATUS_CODES } from 'node:http'

/** The head of an answer of HTTP/1.1 as text, to the empty line behind it: for those that node:http does not write. */
export function printHead(status: number, headers: readonly string[]): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`
  return `${text}\r\n`
}
