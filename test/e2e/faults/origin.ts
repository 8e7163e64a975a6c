import { createServer } from 'node:http'
import { CHECK, writeEntry } from './book.ts'

/**
 * An origin in a process of its own, to be killed and frozen: `origin.js NAME PORT BOOK`. It executes /<id> when it has come
 * whole, writes that down, and answers with the id. What waits for the work to be done is where a kill is worst: executed, and
 * not answered.
 */
const [name, port, book] = process.argv.slice(2) as [string, string, string]

const WORK_MS = 2

const server = createServer((request, response) => {
  const method = request.method!
  if (request.url === '/healthz') {
    response.end('well')
    writeEntry(book, 'answered', method, CHECK)
    return
  }
  const id = Number(request.url!.slice(1))
  request.resume().on('end', () => {
    writeEntry(book, 'executed', method, id)
    setTimeout(() => {
      response.setHeader('x-origin', name)
      response.end(String(id))
      writeEntry(book, 'answered', method, id)
    }, WORK_MS)
  })
})
// Longer than the script: what it closes by itself would be a fault that the script does not know of.
server.keepAliveTimeout = 120_000
server.listen(Number(port), '127.0.0.1', () => process.send!('ready'))
// Left alone, it has nothing to live for.
process.on('disconnect', () => process.exit())
