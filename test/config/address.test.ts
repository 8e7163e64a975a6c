import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  defaultEndpointId,
  isLoopback,
  printListenAddress,
  readCidr,
  readEndpointUrl,
  readListenAddress,
} from '../../engine/config/address.ts'
import type { Reading } from '../../engine/config/leaf.ts'

function check<Out>(read: (text: string) => Reading<Out>, cases: [string, Out | RegExp][]): void {
  for (const [text, expected] of cases) {
    const reading = read(text)
    if (expected instanceof RegExp) {
      assert.match('fault' in reading ? reading.fault : `read as ${JSON.stringify(reading.value)}`, expected, text)
    } else {
      assert.deepEqual(reading, { value: expected }, text)
    }
  }
}

test('readListenAddress() reads host and port, and stays on this machine where no host is written', () => {
  check(readListenAddress, [
    ['127.0.0.1:8080', { address: '127.0.0.1', port: 8080 }],
    ['localhost:0', { address: 'localhost', port: 0 }],
    ['[::1]:8080', { address: '::1', port: 8080 }],
    [':8080', { address: '127.0.0.1', port: 8080 }],
    ['8080', { address: '127.0.0.1', port: 8080 }],
    ['0.0.0.0:65535', { address: '0.0.0.0', port: 65535 }],
    ['a:65536', /has a port above 65535/],
    ['::1:8080', /is ambiguous; write an IPv6 address in brackets, as in "\[::1\]:8080"/],
    ['*:80', /write 0\.0\.0\.0:80 or \[::\]:80 for every interface/],
    ['localhost', /^"localhost" has no port; write localhost:8080$/],
    ['[::g]:80', /is not an IPv6 address/],
    ['1.2.3:80', /"1\.2\.3" is not a host/],
    ['a b:80', /"a b" is not a host/],
    ['http://a:80', /is not an address to listen on; write host:port/],
  ])
  assert.equal(printListenAddress({ address: '::1', port: 80 }), '[::1]:80')
})

test('readEndpointUrl() takes an http or https origin and nothing else', () => {
  check(readEndpointUrl, [
    ['http://10.0.0.1:8080', 'http://10.0.0.1:8080'],
    ['http://10.0.0.1:8080/', 'http://10.0.0.1:8080'],
    ['HTTP://Example.COM:80', 'http://example.com'],
    ['http://[::1]:9001', 'http://[::1]:9001'],
    ['https://a', 'https://a'],
    ['https://Example.COM:443/', 'https://example.com'],
    ['http://a/v1', /has a path; requests keep their own, so write http:\/\/a$/],
    ['http://a?x=1', /has a query or fragment/],
    ['http://a/#', /has a query or fragment/],
    ['http://a:0', /has port 0/],
    ['http://a:99999', /is not an endpoint url; write http:\/\/host:port/],
    ['10.0.0.1:80', /has no scheme; write http:\/\/10\.0\.0\.1:80/],
    ['localhost:80', /has no scheme; write http:\/\/localhost:80/],
    ['http:10.0.0.1', /is not an endpoint url/],
    ['ftp://a', /is not an endpoint url/],
    ['', /is not an endpoint url/],
  ])
})

test('readEndpointUrl() never repeats a password', () => {
  for (const text of ['http://u:hunter2@a', 'http://:hunter2@a', 'u:hunter2@a', 'http://u:hunter2@a:99999']) {
    const reading = readEndpointUrl(text)
    assert.ok('fault' in reading && !reading.fault.includes('hunter2'), text)
  }
})

test('defaultEndpointId() is host:port', () => {
  assert.equal(defaultEndpointId('http://10.0.0.1:8080'), '10.0.0.1:8080')
  assert.equal(defaultEndpointId('http://example.com'), 'example.com:80')
  assert.equal(defaultEndpointId('https://example.com'), 'example.com:443')
  assert.equal(defaultEndpointId('http://[::1]:9001'), '::1:9001')
})

test('readCidr() completes a lone address and refuses what is no range', () => {
  check(readCidr, [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['1.2.3.4', '1.2.3.4/32'],
    ['::1', '::1/128'],
    ['fd00::/8', 'fd00::/8'],
    ['10.0.0.0/33', /has a wrong prefix length; write 10\.0\.0\.0\/0 to 10\.0\.0\.0\/32/],
    ['10.0.0.0/', /has a wrong prefix length/],
    ['10.0.0.0/8/8', /is not an address range/],
    ['fe80::1%eth0', /is not an address range/],
    ['example.com', /is not an address range/],
  ])
})

test('isLoopback() trusts only what cannot be reached from outside', () => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) assert.ok(isLoopback(address), address)
  for (const address of ['0.0.0.0', '::', '10.0.0.1', '127.example.com', 'example.com']) {
    assert.ok(!isLoopback(address), address)
  }
})
