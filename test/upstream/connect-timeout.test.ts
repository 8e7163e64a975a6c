import assert from 'node:assert/strict'
import { it } from 'node:test'
import { errors } from 'undici'
import { ConnectTimeoutError } from '../../engine/upstream/connect-timeout.ts'

it('ConnectTimeoutError is what undici calls one', () => {
  const ours: Error = new ConnectTimeoutError('10.0.0.1:80', 250)
  const theirs: Error = new errors.ConnectTimeoutError('as undici words it')
  assert.ok(ours instanceof errors.ConnectTimeoutError && ours instanceof errors.UndiciError)
  assert.ok(!(ours instanceof errors.BodyTimeoutError))
  assert.deepEqual([ours.name, (ours as { code?: string }).code], [theirs.name, (theirs as { code?: string }).code])
  assert.equal(ours.message, 'Connect Timeout Error (attempted address: 10.0.0.1:80, timeout: 250ms)')
})
