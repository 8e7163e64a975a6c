import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorBody, SECURITY_HEADERS } from './answer.ts'

/** Answers what could not be read as a request, while the connection still takes an answer, and closes it. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, message } = reasonOf(error.code)
  const body = `${JSON.stringify(errorBody('SBX_ADMIN_INVALID', message))}\n`
  const headers = {
    ...SECURITY_HEADERS,
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`, () => socket.destroy())
}

function reasonOf(code: string | undefined): { status: number; message: string } {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, message: 'Cannot read the request: its headers are larger than 16 KiB' }
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, message: 'Cannot read the request: it did not arrive in time' }
    default:
      return { status: 400, message: 'Cannot read the request: it is not HTTP/1.1 as it should be' }
  }
}
