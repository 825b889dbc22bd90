import Dispatch

/// A source that may be held back for a while, however often it is asked to.
final class HeldSource {
  private let source: any DispatchSourceRead
  private var isHeld = false

  init(_ source: any DispatchSourceRead) { self.source = source }

  /// Stops it from waking anybody.
  func hold() {
    if !isHeld { source.suspend() }
    isHeld = true
  }

  /// Lets it wake again.
  func release() {
    if isHeld { source.resume() }
    isHeld = false
  }
}
