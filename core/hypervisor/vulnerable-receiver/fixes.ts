/** What was missing in the receiver, one line each. */
export const receiverFixes = {
  'batch-check': 'a negative number of pages in a batch is refused (Xen, commit 5a07d757fb)',
  'free-list-check': 'more than 2^28 entries in the free list are refused (Xen, commit 284d8c4881)',
  'pfn-check': 'a page of the free list that the guest does not have is refused',
  'index-check': 'an index or a count beyond the keyboard’s queue is refused (as CVE-2017-16845 was mended)',
  'length-check': 'a device configuration longer than the device’s own is refused (as CVE-2014-0182 was mended)',
} as const

export type ReceiverFix = keyof typeof receiverFixes

export const receiverFixNames = Object.keys(receiverFixes) as readonly ReceiverFix[]
