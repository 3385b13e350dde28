import { describe, expect, test } from 'vitest'
import { createFleetStage } from '../../../renderer/stage/fleet-stage.js'
import { fleetView, guestView, hostView } from '../../support/fleet-view.js'
import { svgDocument } from '../../support/svg-document.js'

const size = { width: 700, height: 400 }
const hosts = [hostView('host-01'), hostView('host-02'), hostView('host-03')]

function stage() {
  const svg = svgDocument().createElementNS('http://www.w3.org/2000/svg', 'svg')
  const chosen: string[] = []
  const drawn = createFleetStage(svg, { choose: (name) => chosen.push(name), mayMove: () => false })
  return { svg, chosen, update: (view: Parameters<typeof drawn.update>[0]) => drawn.update(view, 'host-02', size) }
}
const labels = (svg: SVGSVGElement) =>
  [...svg.querySelectorAll('[role=button]')].map((card) => card.getAttribute('aria-label'))
const texts = (svg: SVGSVGElement) => [...svg.querySelectorAll('text')].map((node) => node.textContent)

describe('the stage of a fleet', () => {
  test('a card a host, named by all it shows, and one of them on the way of the tab key', () => {
    const { svg, update } = stage()
    update(fleetView({ hosts, guests: [guestView('shop-1', 'host-01'), guestView('shop-2', 'host-01')] }))
    expect(labels(svg)).toEqual([
      'host-01: on, 25 % busy, 182 W, guests shop-1, shop-2',
      'host-02: on, 25 % busy, 182 W, no guests',
      'host-03: on, 25 % busy, 182 W, no guests',
    ])
    expect([...svg.querySelectorAll('[role=button]')].map((card) => card.getAttribute('tabindex'))).toEqual([
      '0',
      '-1',
      '-1',
    ])
    expect(svg.querySelectorAll('[aria-pressed=true]')).toHaveLength(1)
    expect(texts(svg)).toEqual(expect.arrayContaining(['host-01', '25 %', '182 W', 'shop-1', '10 %']))
  })

  test('what is the matter with a host and its guests is said, not only coloured', () => {
    const { svg, update } = stage()
    const [failed, warning] = [hostView('host-01', { state: 'failed' }), hostView('host-02', { health: 'warning' })]
    const lost = guestView('shop-1', 'host-01', { state: 'lost' })
    update(fleetView({ hosts: [failed, warning, hostView('host-03', { isSending: false })], guests: [lost] }))
    expect(labels(svg)).toEqual([
      'host-01: failed, 182 W, guests shop-1 (lost)',
      'host-02: warns, 25 % busy, 182 W, no guests',
      'host-03: silent, 25 % busy, 182 W, no guests',
    ])
    expect(texts(svg)).toEqual(expect.arrayContaining(['failed', 'warns', 'silent']))
  })

  test('a guest on its way is drawn between the two hosts, and where it came from afterwards', () => {
    const { svg, update } = stage()
    const leaving = guestView('shop-1', 'host-01', { state: 'moving', destination: 'host-02', progress: 0.5 })
    update(fleetView({ hosts, guests: [leaving] }))
    expect(svg.querySelectorAll('.way[stroke-dasharray]')).toHaveLength(1)
    expect(texts(svg).filter((text) => text === 'shop-1')).toHaveLength(2)
    update(fleetView({ hosts, guests: [guestView('shop-1', 'host-02', { cameFrom: 'host-01' })] }))
    expect(svg.querySelectorAll('.way')).toHaveLength(1)
    expect(svg.querySelectorAll('.way[stroke-dasharray]')).toHaveLength(0)
    update(fleetView({ hosts, guests: [guestView('shop-1', 'host-02')] }))
    expect(svg.querySelectorAll('.way')).toHaveLength(0)
  })
})
