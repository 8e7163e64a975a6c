import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminWorld } from './admin-world.ts'

test('the page and its files are served with their types', async t => {
  const { ask } = await adminWorld(t)
  for (const [path, type] of [
    ['/', 'text/html; charset=utf-8'],
    ['/assets/page.css', 'text/css; charset=utf-8'],
    ['/assets/page.js', 'text/javascript; charset=utf-8'],
    ['/assets/events.js', 'text/javascript; charset=utf-8'],
    ['/assets/heard.js', 'text/javascript; charset=utf-8'],
    ['/assets/icon.svg', 'image/svg+xml'],
  ]) {
    const { status, headers, text } = await ask(path)
    assert.deepEqual([status, headers['content-type']], [200, type], path)
    assert.ok(text.length > 100, path)
  }
})

test('the page runs nothing inline, loads nothing from elsewhere, and names only files that are there', async t => {
  const { ask } = await adminWorld(t)
  const { text } = await ask('/')
  assert.doesNotMatch(text, /<script(?![^>]*\ssrc=)/, 'no inline script')
  assert.doesNotMatch(text, /<style|\sstyle=|\son\w+=/, 'no inline style, no inline listener')
  const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link)
  assert.ok(links.length >= 3)
  for (const link of links) {
    assert.doesNotMatch(link, /^(\w+:|\/\/)/, link)
    assert.equal((await ask(`/${link}`)).status, 200, link)
  }
})

test('the scripts write text, never markup', async t => {
  const { ask } = await adminWorld(t)
  for (const name of ['page', 'events', 'heard']) {
    const { text } = await ask(`/assets/${name}.js`)
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/)
  }
})

test('the script uses only elements the page has', async t => {
  const { ask } = await adminWorld(t)
  const [page, script] = [(await ask('/')).text, (await ask('/assets/page.js')).text]
  const used = new Set([...script.matchAll(/byId\('([^']+)'\)/g)].map(([, id]) => id))
  assert.ok(used.size > 10)
  for (const id of used) assert.match(page, new RegExp(`id="${id}"`), id)
})
