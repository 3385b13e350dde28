// The one Wireshark that is fed from the window.
import { CaptureViewer, findViewer } from '../wireshark/capture-viewer.js'

export class LiveViewer {
  private viewer: CaptureViewer | null = null

  async isInstalled(): Promise<boolean> {
    return (await findViewer('wireshark')) !== undefined
  }

  /** One that was fed before gets no more, and stays open. */
  async start(): Promise<void> {
    const program = await findViewer('wireshark')
    if (program === undefined) throw new Error('Wireshark is not installed on this computer.')
    this.end()
    this.viewer = await CaptureViewer.start('wireshark', program)
  }

  /** False when there is no viewer, or none any more. */
  async write(octets: Uint8Array): Promise<boolean> {
    await this.viewer?.write(octets)
    return this.viewer?.isOpen === true
  }

  end(): void {
    this.viewer?.detach()
    this.viewer = null
  }
}
