import assert from 'node:assert/strict'
import { request } from 'node:http'
import { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { ResponseReader } from '../../engine/proxy/upstreams/response-reader.ts'

/** What a reader makes of the bytes of a connection, up to the end of the first answer. */
interface Read {
  interim: number[]
  status: number
  fields: string[]
  body: string
  trailers: string[]
  isWhole: boolean
}

/** Read by ours, in pieces that end where `cuts` say. */
function readHere(
  bytes: string,
  cuts: readonly number[] = [],
  method = 'GET',
): Read & { mayGoOn: boolean; why: string } {
  const read: Read = { interim: [], status: 0, fields: [], body: '', trailers: [], isWhole: false }
  const reader = new ResponseReader({
    onHead(status, fields) {
      if (status < 200) read.interim.push(status)
      else Object.assign(read, { status, fields })
    },
    onPiece(piece) {
      read.body += piece.toString('latin1')
    },
    onWhole(trailers) {
      Object.assign(read, { trailers, isWhole: true })
    },
    onUpgrade: () => assert.fail('nobody asked for it'),
  })
  reader.begin(method, false)
  // As on a connection: one buffer for all reads, overwritten by each.
  const slab = Buffer.alloc(bytes.length)
  for (const [i, cut] of [...cuts, bytes.length].entries()) {
    const length = slab.write(bytes.slice(cuts[i - 1] ?? 0, cut), 'latin1')
    reader.read(slab.subarray(0, length))
    slab.fill('!')
    if (reader.flaw !== undefined) break
  }
  if (reader.flaw === undefined && !read.isWhole) reader.finish()
  return { ...read, mayGoOn: reader.mayGoOn, why: reader.flaw?.message ?? '' }
}

/** Read by node:http. */
function readThere(bytes: string): Promise<Read> {
  return new Promise(resolve => {
    const read: Read = { interim: [], status: 0, fields: [], body: '', trailers: [], isWhole: false }
    const socket = new Duplex({
      read() {},
      write: (_chunk, _encoding, done) => {
        done()
        socket.push(Buffer.from(bytes, 'latin1'))
        socket.push(null)
      },
    })
    const asked = request({ createConnection: () => socket, path: '/' })
    asked.on('information', ({ statusCode }) => read.interim.push(statusCode))
    asked.on('upgrade', (_response, taken) => {
      taken.destroy()
      resolve(read)
    })
    asked.on('error', () => resolve(read))
    asked.on('response', response => {
      read.status = response.statusCode ?? 0
      read.fields = response.rawHeaders
      response.on('data', (piece: Buffer) => {
        read.body += piece.toString('latin1')
      })
      response.on('error', () => resolve(read))
      response.on('end', () => {
        read.isWhole = response.complete
        read.trailers = response.rawTrailers
        resolve(read)
      })
    })
    asked.end()
  })
}

const GOOD: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\nKeep-Alive: timeout=5\r\n\r\nhello',
  'HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nX:\r\n\r\n5;a=b\r\nhello\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nX-Sum: 1\r\nY:2\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'HTTP/1.0 200 OK\r\nServer: x\r\n\r\nuntil the end',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\nSet-Cookie: a\xe9=1\r\n\r\nok',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: "x"\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n',
]

describe('ResponseReader', () => {
  it('reads an answer alike wherever the network cuts it', () => {
    for (const good of GOOD) {
      const whole = readHere(good)
      assert.equal(whole.isWhole, true, whole.why)
      for (let cut = 1; cut < good.length; cut++) assert.deepEqual(readHere(good, [cut]), whole, `cut at ${cut}`)
      const everywhere = Array.from({ length: good.length - 1 }, (_, i) => i + 1)
      assert.deepEqual(readHere(good, everywhere), whole, 'byte by byte')
    }
  })

  it('reads what node:http reads, or nothing, of answers with one byte wrong', async () => {
    let taken = 0
    let refused = 0
    for (const good of GOOD) {
      for (let at = 0; at < good.length; at++) {
        for (const instead of ['', good[at] + good[at], ...'\0\t\n\r :;,0"-A\x0b\x85']) {
          const bytes = good.slice(0, at) + instead + good.slice(at + 1)
          const { mayGoOn: _, why: __, ...here } = readHere(bytes)
          if (!here.isWhole) {
            refused++
            continue
          }
          taken++
          // node:http takes a blank behind a length, and no tab.
          const there = await readThere(bytes.replace(/(Content-Length: *\d*)\t(?=\r)/, '$1 '))
          assert.deepEqual(here, there, JSON.stringify(bytes))
        }
      }
    }
    assert.ok(taken > 3000 && refused > 3000, `${taken} taken, ${refused} refused`)
  })

  it('says of a connection that it may go on only where the answer ends where its bytes end', () => {
    const goesOn = (bytes: string, method = 'GET'): boolean => readHere(bytes, [], method).mayGoOn
    assert.deepEqual(
      GOOD.map(good => goesOn(good)),
      [true, true, true, false, false, true, true, true],
    )
    for (const good of GOOD) assert.equal(goesOn(`${good}HTTP/1.1 200 OK\r\n`), false, good)
    assert.equal(goesOn('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'HEAD'), true)
    assert.equal(goesOn('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'HEAD'), false)
    assert.equal(goesOn('HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n'), true)
    assert.equal(goesOn('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'), false)
    assert.equal(goesOn('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close\r\n\r\n'), false)
    assert.equal(goesOn('HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n'), false)
  })

  it('tells nothing of an answer whose flaw has come with its head', () => {
    const { status, body, why } = readHere('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n')
    assert.deepEqual([status, body], [0, ''])
    assert.equal(why, 'Cannot read the answer: the size of a chunk is no number')
  })

  it('does not wait for the end of what is no answer', () => {
    for (const start of [
      'SSH-2.0-OpenSSH_9.2\r\n',
      'HTTP/2.0 ',
      'HTTP/1.1 200 OK\nX: y',
      'HTTP/1.1 200 OK\r\nX: \0',
      'X',
    ]) {
      assert.notEqual(readHere(start).why, '', start)
    }
    for (const start of ['H', 'HTTP/1.', 'HTTP/1.1 200 OK\r', 'HTTP/1.1 200 OK\r\nX: y\r\n\r']) {
      assert.equal(readHere(start).why, '', start)
    }
  })

  it('bounds heads, trailers, sizes and extensions', () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n'
    const long = `X: ${'y'.repeat(66_000)}\r\n`
    assert.match(readHere(`${head}${long}\r\n`).why, /head is too long/)
    assert.match(readHere(`${head}${long}`, [1000, 30_000, 60_000]).why, /head is too long/)
    assert.match(readHere(`${head}\r\n0\r\n${long}\r\n`).why, /trailers are too long/)
    assert.match(readHere(`${head}\r\n00000000000001\r\n`).why, /chunk is too long/)
    assert.match(readHere(`${head}\r\n1;${'x'.repeat(5000)}\r\n`).why, /extension of a chunk/)
    assert.equal(readHere(`${head}\r\n1;${'x'.repeat(4000)}\r\no\r\n0\r\n\r\n`).isWhole, true)
  })

  it('tells nothing more once it was stopped, by whatever it told', () => {
    const told: string[] = []
    const reader = new ResponseReader({
      onHead: () => void told.push('head'),
      onPiece: () => {
        told.push('piece')
        reader.stop()
      },
      onWhole: () => void told.push('whole'),
      onUpgrade: () => {},
    })
    reader.begin('GET', false)
    reader.read(Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n'))
    assert.deepEqual(told, ['head', 'piece'])
  })
})
