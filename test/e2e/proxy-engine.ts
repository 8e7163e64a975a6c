import { type ConfigInput, createSignalbox } from '../../engine/index.ts'
import { startProxy } from '../../engine/proxy/proxy.ts'
import { inheritedListeners, onParentGone } from '../../engine/proxy/threads/under-parent.ts'

/** An engine as a command line would run it, for tests: config as JSON in the first argument, one line of JSON once it routes. */

const box = await createSignalbox(JSON.parse(process.argv[2]) as ConfigInput)
const proxy = await startProxy(box, { listeners: inheritedListeners() })

let isAsked = false
const stop = async (): Promise<void> => {
  if (isAsked) return
  isAsked = true
  await proxy.drain(5000)
  await box.close()
  process.disconnect?.()
}
process.on('SIGTERM', () => void stop())
onParentGone(() => void stop())
process.on('SIGHUP', () => process.stdout.write(`${JSON.stringify({ threads: proxy.threads() })}\n`))
process.on('SIGUSR2', () => void proxy.kill(0))

process.stdout.write(`${JSON.stringify({ pid: process.pid, addresses: proxy.addresses })}\n`)
