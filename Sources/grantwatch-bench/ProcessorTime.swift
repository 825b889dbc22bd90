import Glibc

/// Processor time of the calling thread: what a computation takes whoever else runs beside it.
enum ProcessorTime {
  /// In microseconds.
  static func ofThread() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1_000_000 + Double(time.tv_nsec) / 1000
  }
}
