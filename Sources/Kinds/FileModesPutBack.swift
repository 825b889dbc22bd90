package import Grants
internal import LinuxKit

extension FileModes {
  /// Gives the file again what `before` → `after` gave, and looks again; every other bit is kept.
  /// `restored` says that it is there by our doing, `alreadyGone` that nothing was missing.
  package func putBack(
    object path: [UInt8], identity: FileIdentity?, before: UInt16?, after: UInt16
  ) -> Restored {
    change(path, identity, isDirectory: nil, dryRun: false) { access in
      let gain = ModeGain(before: before, after: after, isDirectory: access.isDirectory)
      return access.with(gain.bits, withoutSticky: gain.stickyTaken)
    }
  }
}

extension FileAccess {
  /// With `bits` in the effective mode, and without the sticky bit where that was taken.
  func with(_ bits: UInt16, withoutSticky: Bool) -> FileAccess {
    var access = self
    access.mode |= list == nil ? bits : bits & ~0o070
    access.list?.owningGroup |= UInt8(bits >> 3 & 7)
    if withoutSticky { access.mode &= ~0o1000 }
    return access
  }
}
