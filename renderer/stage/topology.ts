/**
 * The topology as SVG, with d3 and without Vue. Built anew when its structure or size changes; between that, an update
 * touches only what differs, and frames move by a transform each in the window's animation frame.
 */
import { select } from 'd3'
import { colours, fonts, px, type SvgSelection } from '../charts/chart-frame.js'
import { cellStates, type HostView, type MigrationView, type SessionView, type VmView } from '../engine/contract.js'
import { foundSecrets, isMigrating } from '../words/terms.js'
import { attackerPositions } from '../words/network.js'
import { formatCount, formatShare } from '../words/quantities.js'
import { cablesOf, CHIP_COLUMNS, CHIP_ROWS, chipBox, stageLayout, type Box, type Cable, type Size } from './layout.js'
import { cableTraffic, cableWidth, framePlaces, type CableTraffic } from './traffic.js'

/** What a click chose: a host or its VM by the host's name, a cable by its host's name, or the switch. */
export type StageChoice =
  { readonly kind: 'host' | 'vm' | 'cable'; readonly name: string } | { readonly kind: 'switch' }

export interface Topology {
  update(view: SessionView, size: Size): void
  /** Moves frames on by `distance` px. */
  advance(distance: number): void
}

interface DrawnCable {
  readonly cable: Cable
  readonly length: number
  readonly line: SvgSelection<SVGLineElement>
  /** The cable itself, under what it carries, and a word about it in the middle. */
  readonly wire: SvgSelection<SVGLineElement>
  readonly note: SvgSelection<SVGTextElement>
  readonly hit: SvgSelection
  readonly frames: SvgSelection
  traffic: CableTraffic
  phase: number
}

interface DrawnVm {
  readonly outline: SvgSelection<SVGRectElement>
  readonly state: SvgSelection<SVGTextElement>
  readonly cells: readonly SVGRectElement[]
  shown: Uint8Array
}

export function createTopology(root: SVGSVGElement, choose: (choice: StageChoice) => void): Topology {
  const svg = select(root)
  let structure = ''
  let cables: DrawnCable[] = []
  let vms = new Map<string, DrawnVm>()
  let attackerLines: SvgSelection<SVGTextElement>[] = []

  function choosable(group: SvgSelection, label: string, choice: StageChoice): SvgSelection {
    const act = () => choose(choice)
    return group
      .attr('class', 'choosable')
      .attr('tabindex', 0)
      .attr('role', 'button')
      .attr('aria-label', `${label}: inspect`)
      .on('click', act)
      .on('keydown', (event: KeyboardEvent) => {
        if (event.key !== 'Enter' && event.key !== ' ') return
        event.preventDefault()
        event.stopPropagation()
        act()
      })
  }

  function build(view: SessionView, size: Size): void {
    svg.selectAll('*').remove()
    svg.attr('viewBox', `0 0 ${size.width} ${size.height}`).attr('font-family', fonts.sans).attr('font-size', 11.5)
    const layout = stageLayout(view.hosts, size)
    vms = new Map()
    const cableLayer = svg.append('g')
    const frameLayer = svg.append('g').attr('pointer-events', 'none')
    cables = cablesOf(layout, view.hosts, view.links).map((cable) =>
      drawCable(cableLayer, frameLayer, cable, choosable),
    )
    drawSwitch(choosable(svg.append('g'), 'Switch', { kind: 'switch' }), layout.switch)
    for (const host of view.hosts) {
      const box = layout.hosts.get(host.name)!
      const group = svg.append('g').attr('transform', `translate(${px(box.x)},${px(box.y)})`)
      const hostGroup = choosable(group.append('g'), host.title, { kind: 'host', name: host.name })
      if (host.role === 'hypervisor') {
        drawHost(hostGroup, host, box)
        if (host.vm !== null) {
          const vmGroup = choosable(group.append('g'), `VM ${host.vm.name}`, { kind: 'vm', name: host.name })
          vms.set(host.name, drawVm(vmGroup, host.vm, chipBox(box)))
        } else drawEmptyPlace(group, chipBox(box))
      } else if (host.role === 'client') drawClient(hostGroup, host, box)
      else attackerLines = drawAttacker(hostGroup, host, box)
    }
  }

  return {
    update(view, size) {
      const next = structureOf(view, size)
      if (next !== structure) {
        structure = next
        build(view, size)
      }
      for (const drawn of cables) updateCable(drawn, view)
      for (const host of view.hosts) {
        const drawn = vms.get(host.name)
        if (drawn !== undefined && host.vm !== null) updateVm(drawn, host.vm, host.name, view.migration)
      }
      updateAttacker(attackerLines, view)
    },
    advance(distance) {
      for (const drawn of cables) {
        drawn.phase += distance / drawn.length
        placeFrames(drawn)
      }
    },
  }
}

function structureOf({ hosts, links }: SessionView, { width, height }: Size): string {
  const names = hosts.map(({ name, role, vm }) => `${name}/${role}/${vm?.name ?? ''}`)
  return [width, height, ...names, ...links.map(({ name }) => name)].join(' ')
}

type Choosable = (group: SvgSelection, label: string, choice: StageChoice) => SvgSelection

function drawCable(layer: SvgSelection, frameLayer: SvgSelection, cable: Cable, choosable: Choosable): DrawnCable {
  const { from, to } = cable
  const hit = choosable(layer.append('g'), `Link of ${cable.host}`, { kind: 'cable', name: cable.host })
  const ends = (line: SvgSelection<SVGLineElement>) =>
    line.attr('x1', px(from.x)).attr('y1', px(from.y)).attr('x2', px(to.x)).attr('y2', px(to.y))
  ends(hit.append('line')).attr('stroke', 'transparent').attr('stroke-width', 22)
  const wire = ends(hit.append('line')).attr('stroke-width', 1.5)
  const line = ends(hit.append('line')).attr('stroke-opacity', 0.32)
  const idle: CableTraffic = {
    load: 0,
    hasMigration: false,
    content: 'clear',
    migrationFrames: 0,
    probeFrames: 0,
    towardsSwitch: false,
  }
  const isUpright = Math.abs(to.x - from.x) < Math.abs(to.y - from.y)
  const note = hit
    .append('text')
    .attr('x', px((from.x + to.x) / 2 + (isUpright ? 10 : 0)))
    .attr('y', px((from.y + to.y) / 2 + (isUpright ? 4 : -8)))
    .attr('text-anchor', isUpright ? 'start' : 'middle')
    .attr('fill', colours.control)
  const length = Math.max(1, Math.hypot(to.x - from.x, to.y - from.y))
  return { cable, length, line, wire, note, hit, frames: frameLayer.append('g'), traffic: idle, phase: 0 }
}

function updateCable(drawn: DrawnCable, view: SessionView): void {
  const { cable } = drawn
  const host = view.hosts.find(({ name }) => name === cable.host)!
  const links = view.links.filter((link) => link.from === cable.host || link.to === cable.host)
  const traffic = cableTraffic(host, links, view.migration, drawn.length)
  const fill = traffic.content === 'clear' ? colours.clear : colours.sealed
  const isCut = links.some((link) => link.isCut)
  const isImpaired = links.some((link) => link.isImpaired)
  drawn.wire
    .attr('stroke', isCut || isImpaired ? colours.control : colours.lineStrong)
    .attr('stroke-dasharray', isCut ? '2 9' : isImpaired ? '10 4' : null)
  drawn.note.text(isCut ? 'cut' : isImpaired ? 'disturbed' : '')
  drawn.line
    .attr('stroke', traffic.hasMigration ? fill : colours.guest)
    .attr('stroke-width', traffic.load === 0 ? 0 : px(cableWidth(traffic)))
  const old = drawn.traffic
  drawn.traffic = traffic
  const isSame =
    old.migrationFrames === traffic.migrationFrames &&
    old.probeFrames === traffic.probeFrames &&
    old.content === traffic.content
  if (isSame) return
  drawn.frames.selectAll('*').remove()
  for (let index = 0; index < traffic.migrationFrames; index++) drawFrame(drawn.frames, traffic.content)
  for (let index = 0; index < 2 * traffic.probeFrames; index++)
    drawn.frames.append('circle').attr('class', 'probe').attr('r', 3.2).attr('fill', colours.guest)
  placeFrames(drawn)
}

/** A frame that can be read is a bar; a sealed one is round with a keyhole, so that colour is not alone. */
function drawFrame(layer: SvgSelection, content: 'clear' | 'sealed'): void {
  const frame = layer.append('g').attr('class', 'frame')
  frame
    .append('rect')
    .attr('x', -7)
    .attr('y', -4)
    .attr('width', 14)
    .attr('height', 8)
    .attr('rx', content === 'clear' ? 2 : 4)
    .attr('fill', content === 'clear' ? colours.clear : colours.sealed)
  if (content === 'sealed') frame.append('circle').attr('r', 1.8).attr('fill', colours.panel)
}

function placeFrames({ cable, frames, traffic, phase }: DrawnCable): void {
  const { from, to } = cable
  const put = (node: Element, way: number) => {
    const x = from.x + (to.x - from.x) * way
    const y = from.y + (to.y - from.y) * way
    const turn = Math.abs(to.x - from.x) < 1 ? ' rotate(90)' : ''
    node.setAttribute('transform', `translate(${px(x)},${px(y)})${turn}`)
  }
  const nodes = [...frames.node()!.children]
  const places = framePlaces(traffic.migrationFrames, phase)
  places.forEach((place, index) => put(nodes[index]!, traffic.towardsSwitch ? place : 1 - place))
  // A probe and its reply: one each way.
  nodes.slice(traffic.migrationFrames).forEach((node, index) => {
    const place = framePlaces(1, phase + 0.25 + index * 0.37)[0]!
    put(node, index % 2 === 0 ? place : 1 - place)
  })
}

function drawSwitch(group: SvgSelection, box: Box): void {
  group.attr('transform', `translate(${px(box.x)},${px(box.y)})`)
  plainBox(group, box, 10)
  group
    .append('path')
    .attr('d', 'M14,19h22m-6,-5l6,5l-6,5M38,30h-22m6,-5l-6,5l6,5')
    .attr('fill', 'none')
    .attr('stroke', colours.text2)
    .attr('stroke-width', 1.8)
    .attr('stroke-linecap', 'round')
    .attr('stroke-linejoin', 'round')
  words(group, 'switch', box.width + 7, -4).attr('fill', colours.text3)
}

function plainBox(group: SvgSelection, { width, height }: Size, radius = 8): SvgSelection<SVGRectElement> {
  return group
    .append('rect')
    .attr('class', 'box')
    .attr('width', px(width))
    .attr('height', px(height))
    .attr('rx', radius)
    .attr('fill', colours.raised)
    .attr('stroke', colours.lineStrong)
}

function words(group: SvgSelection, text: string, x: number, y: number): SvgSelection<SVGTextElement> {
  return group.append('text').attr('x', px(x)).attr('y', px(y)).attr('fill', colours.text2).text(text)
}

function drawHost(group: SvgSelection, host: HostView, box: Box): void {
  plainBox(group, box)
  words(group, host.title, 12, 22).attr('fill', colours.text).attr('font-size', 14).attr('font-weight', 650)
  words(group, `${host.cores} cores · ${host.address}`, 12, 40).attr('font-size', 11)
}

function drawClient(group: SvgSelection, host: HostView, box: Box): void {
  plainBox(group, box)
  words(group, host.title, box.width / 2, 19)
    .attr('text-anchor', 'middle')
    .attr('fill', colours.text)
    .attr('font-weight', 600)
  words(group, host.address, box.width / 2, 35)
    .attr('text-anchor', 'middle')
    .attr('font-size', 11)
}

function drawEmptyPlace(group: SvgSelection, box: Box): void {
  const place = group.append('g').attr('transform', `translate(${px(box.x)},${px(box.y)})`)
  place
    .append('rect')
    .attr('width', px(box.width))
    .attr('height', px(box.height))
    .attr('rx', 6)
    .attr('fill', 'none')
    .attr('stroke', colours.lineStrong)
    .attr('stroke-dasharray', '3 4')
  words(place, 'room for a guest', box.width / 2, box.height / 2 + 4)
    .attr('text-anchor', 'middle')
    .attr('fill', colours.text3)
}

function drawVm(group: SvgSelection, vm: VmView, box: Box): DrawnVm {
  group.attr('transform', `translate(${px(box.x)},${px(box.y)})`)
  const outline = plainBox(group, box, 6).attr('fill', colours.panel).attr('stroke-width', 2)
  words(group, vm.name, 10, 18).attr('fill', colours.text).attr('font-weight', 650)
  const state = words(group, '', box.width - 10, 18)
    .attr('text-anchor', 'end')
    .attr('font-size', 11)
  const pitchX = (box.width - 20) / CHIP_COLUMNS
  const pitchY = (box.height - 36) / CHIP_ROWS
  const cells: SVGRectElement[] = []
  for (let index = 0; index < CHIP_COLUMNS * CHIP_ROWS; index++) {
    const cell = group
      .append('rect')
      .attr('x', px(10 + (index % CHIP_COLUMNS) * pitchX))
      .attr('y', px(27 + Math.floor(index / CHIP_COLUMNS) * pitchY))
      .attr('width', px(pitchX - 2))
      .attr('height', px(Math.max(2, pitchY - 2)))
      .attr('rx', 1.2)
    paintCell(cell.node()!, cellStates.empty)
    cells.push(cell.node()!)
  }
  return { outline, state, cells, shown: new Uint8Array(cells.length) }
}

function paintCell(cell: SVGRectElement, state: number): void {
  const [fill, opacity] =
    state === cellStates.dirty
      ? [colours.control, '1']
      : state === cellStates.sent || state === cellStates.received
        ? [colours.guest, '0.95']
        : state === cellStates.clean
          ? [colours.guest, '0.45']
          : state === cellStates.missing
            ? [colours.panel, '1']
            : [colours.line, '1']
  cell.setAttribute('fill', fill)
  cell.setAttribute('fill-opacity', opacity)
  cell.setAttribute('stroke', state === cellStates.missing ? colours.guest : 'none')
}

function updateVm(drawn: DrawnVm, vm: VmView, host: string, migration: MigrationView | null): void {
  drawn.cells.forEach((cell, index) => {
    const state = vm.cells[index] ?? 0
    if (state === drawn.shown[index]) return
    drawn.shown[index] = state
    paintCell(cell, state)
  })
  const isIncoming = isMigrating(migration?.status) && migration?.destination === host && vm.state === 'inmigrate'
  const isStopped = vm.state !== 'running'
  drawn.outline
    .attr('stroke', isStopped && !isIncoming ? colours.control : colours.guest)
    .attr('stroke-dasharray', isIncoming ? '5 4' : null)
  const text =
    isIncoming && migration !== null ? `incoming ${Math.floor(migration.roundProgress * 100)} %` : stateWord(vm.state)
  if (drawn.state.text() !== text) drawn.state.text(text)
}

function stateWord(state: string): string {
  if (state === 'inmigrate') return 'waiting for its memory'
  if (state === 'postmigrate') return 'moved away'
  return state
}

function drawAttacker(group: SvgSelection, host: HostView, box: Box): SvgSelection<SVGTextElement>[] {
  plainBox(group, box).attr('stroke', colours.attacker).attr('stroke-width', 1.8)
  words(group, host.title, 14, 23).attr('fill', colours.attacker).attr('font-size', 14).attr('font-weight', 650)
  const place = words(group, '', box.width - 14, 23)
    .attr('text-anchor', 'end')
    .attr('fill', colours.text3)
  return [words(group, '', 14, 44), words(group, '', 14, 62).attr('fill', colours.text), place]
}

function updateAttacker([seen, held, place]: readonly SvgSelection<SVGTextElement>[], view: SessionView): void {
  const run = view.runs.at(-1)
  const guest = view.hosts.find(({ role }) => role === 'attacker')?.vm ?? null
  const frames = `${formatCount(view.capturedFrames)} frame${view.capturedFrames === 1 ? '' : 's'} captured`
  const holds =
    run === undefined
      ? 'holds nothing yet'
      : `${foundSecrets(run)}, ${formatShare(run.ramOctetsRecovered, run.ramOctets)} of RAM`
  const first = guest === null ? frames : `has ${guest.name} itself: ${stateWord(guest.state)}`
  if (seen !== undefined && seen.text() !== first)
    seen.text(first).attr('fill', guest === null ? colours.text2 : colours.clear)
  const { short } = attackerPositions[view.attackerPosition]
  if (place !== undefined && place.text() !== short) place.text(short)
  if (held !== undefined && held.text() !== holds)
    held.text(holds).attr('fill', run && run.secretsFound > 0 ? colours.clear : colours.text)
}
