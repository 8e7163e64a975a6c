import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { test } from 'node:test'
import { FileLock } from '../../../agents/bridge/file-lock.ts'
import { SequencerWait } from '../../../agents/bridge/sequencer-wait.ts'
import { eventually } from '../../support/eventually.ts'
import { logFor, startSequencer } from './sequencer-here.ts'

const MODULE = new URL('../../../agents/bridge/file-lock.js', import.meta.url).href

/** Another process that takes the lock and keeps it until it is killed. */
async function holder(file: string) {
  const script = `import(${JSON.stringify(MODULE)}).then(({ FileLock }) => {
    FileLock.take(${JSON.stringify(file)})
    console.log('taken')
    setInterval(() => {}, 1000)
  })`
  const child = spawn(process.execPath, ['--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return {
    pid: child.pid!,
    async kill() {
      if (child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

test('a file is kept for one process, until that has ended, however it did', async t => {
  const file = logFor(t)
  const other = await holder(file)
  t.after(() => other.kill())
  assert.throws(() => FileLock.take(file), {
    message: `${file} is kept by process ${other.pid}, end that or name another file`,
  })
  await assert.rejects(startSequencer(t, file), { code: 'SBX_STORE_REFUSED', message: /is kept by process/ })
  await other.kill()
  const lock = FileLock.take(file)
  assert.throws(() => FileLock.take(file), { message: `${file} is kept by another store of this process` })
  lock.release()
  assert.deepEqual(
    readdirSync(dirname(file)).filter(name => name.startsWith(`${basename(file)}.lock`)),
    [],
    'nothing is left behind',
  )
})

test('a lock of a process whose number another one has now holds nobody off, nor does one that says nothing', t => {
  for (const left of [`${process.ppid} 1\n`, '', 'no lock at all\n', '0 0\n', '4194304999 1\n']) {
    const file = logFor(t)
    writeFileSync(`${file}.lock`, left)
    const lock = FileLock.take(file)
    assert.match(readFileSync(`${file}.lock`, 'latin1'), new RegExp(`^${process.pid} `))
    lock.release()
  }
})

test('a sequencer keeps its file, and gives it back', async t => {
  const file = logFor(t)
  const keeper = await startSequencer(t, file)
  await assert.rejects(startSequencer(t, file), { code: 'SBX_STORE_REFUSED' })
  await keeper.kill()
  await assert.rejects(startSequencer(t, file), { code: 'SBX_STORE_REFUSED' }, 'between two threads of it too')
  await keeper.close()
  assert.equal(existsSync(`${file}.lock`), false)
  await startSequencer(t, file)
})

test('a sequencer whose file is kept by another is started when that is over, and who waits for it is lent a way to it', async t => {
  const file = logFor(t)
  const lock = FileLock.take(file)
  const told: string[] = []
  const wait = new SequencerWait(file, {
    onRefused: ({ message }) => void told.push(message),
    onStarted: () => void told.push('started'),
  })
  t.after(() => wait.close())
  let ports = 0
  const takeBack = wait.lend(port => {
    ports++
    port.close()
  })
  await eventually('it was refused', () => told.length === 1)
  assert.match(told[0]!, /is kept by another store/)
  assert.equal(ports, 0)
  lock.release()
  await eventually('it has started', () => told.length > 1)
  assert.deepEqual([told.slice(1), ports], [['started'], 1])
  takeBack()
})
