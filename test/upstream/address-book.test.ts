import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { test } from 'node:test'
import { AddressBook, type Resolve } from '../../engine/upstream/address-book.ts'

const list = (...addresses: string[]): LookupAddress[] => addresses.map(address => ({ address, family: 4 }))

/** A book over a name server of our own; `asked` says how often that was asked. */
function bookOver(first: LookupAddress[] | Error) {
  let answer = first
  let asked = 0
  let nowMs = 1000
  const resolve: Resolve = (_name, tell) => {
    asked++
    const given = answer
    queueMicrotask(() => (given instanceof Error ? tell(given, []) : tell(null, given)))
  }
  const book = new AddressBook(resolve, () => nowMs)
  const look = (options: { all?: boolean; family?: number } = { all: true }): Promise<string[] | string> =>
    new Promise((done, reject) => {
      book.lookup('api.internal', options, (error, found) => {
        if (error !== null) reject(error)
        else done(typeof found === 'string' ? found : (found as LookupAddress[]).map(each => each.address))
      })
    })
  return {
    book,
    look,
    asked: () => asked,
    says: (next: LookupAddress[] | Error) => {
      answer = next
    },
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

test('AddressBook begins each connection with the next answer', async () => {
  const { look, asked } = bookOver(list('10.0.0.1', '10.0.0.2', '10.0.0.3'))
  const firsts = []
  for (let i = 0; i < 4; i++) firsts.push((await look())[0])
  assert.deepEqual(firsts, ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.1'])
  assert.equal((await look({ all: false })) as string, '10.0.0.2')
  assert.equal(asked(), 1)
})

test('AddressBook puts an address that failed last, for a while', async () => {
  const { book, look, pass } = bookOver(list('10.0.0.1', '10.0.0.2', '10.0.0.3'))
  await look()
  book.fail('api.internal', '10.0.0.2')
  const seen = [await look(), await look(), await look()].map(each => (each as string[]).join(' '))
  assert.deepEqual(seen, ['10.0.0.3 10.0.0.1 10.0.0.2', '10.0.0.1 10.0.0.3 10.0.0.2', '10.0.0.3 10.0.0.1 10.0.0.2'])
  pass(11_000)
  const firsts = new Set([(await look())[0], (await look())[0], (await look())[0]])
  assert.equal(firsts.size, 3)
})

test('AddressBook uses all when all have failed', async () => {
  const { book, look } = bookOver(list('10.0.0.1', '10.0.0.2'))
  await look()
  book.fail('api.internal', '10.0.0.1')
  book.fail('api.internal', '10.0.0.2')
  assert.equal((await look()).length, 2)
})

test('AddressBook asks anew beside the connection that finds the answer old', async () => {
  const { look, asked, says, pass } = bookOver(list('10.0.0.1'))
  assert.deepEqual(await look(), ['10.0.0.1'])
  says(list('10.0.0.9'))
  pass(6000)
  assert.deepEqual(await look(), ['10.0.0.1'])
  assert.equal(asked(), 2)
  assert.deepEqual(await look(), ['10.0.0.9'])
})

test('AddressBook keeps the last good answer when the name server says nothing', async () => {
  const { look, says, pass } = bookOver(list('10.0.0.1'))
  await look()
  for (const nothing of [new Error('SERVFAIL'), []]) {
    says(nothing)
    pass(6000)
    await look()
    assert.deepEqual(await look(), ['10.0.0.1'])
  }
})

test('AddressBook fails where there was never an answer, and asks again the next time', async () => {
  const { look, asked, says } = bookOver([])
  await assert.rejects(look(), { code: 'ENOTFOUND' })
  says(Object.assign(new Error('no server'), { code: 'EAI_AGAIN' }))
  await assert.rejects(look(), { code: 'EAI_AGAIN' })
  says(list('10.0.0.1'))
  assert.deepEqual(await look(), ['10.0.0.1'])
  assert.equal(asked(), 3)
})

test('AddressBook asks once for many that wait', async () => {
  const { look, asked } = bookOver(list('10.0.0.1', '10.0.0.2'))
  const all = await Promise.all([look(), look(), look()])
  assert.deepEqual(
    all.map(each => each[0]),
    ['10.0.0.1', '10.0.0.2', '10.0.0.1'],
  )
  assert.equal(asked(), 1)
})
