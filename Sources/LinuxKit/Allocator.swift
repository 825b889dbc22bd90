internal import CLinux

/// How glibc's malloc(3) keeps memory; see mallopt(3).
package enum Allocator {
  /// Gives what is freed back to the kernel: left to itself malloc takes every large block that was
  /// freed once (a snapshot read at the start, the baseline of a large tree) as a reason to keep as
  /// much for ever.
  package static func returnWhatIsFreed() {
    mallopt(M_MMAP_THRESHOLD, 256 << 10)
    mallopt(M_TRIM_THRESHOLD, 1 << 20)
    // One engine queue holds the state; a heap for every thread that helps it keeps what that
    // thread freed.
    mallopt(M_ARENA_MAX, 2)
  }
}
