package import Grants
internal import LinuxKit

/// Giving again what was taken back, to the very file and nothing else.
extension FileModes {
  /// Gives the file again what `before` → `after` gave, and looks again; every other bit is kept.
  /// `restored` says that it is there by our doing, `alreadyGone` that nothing was missing, or that
  /// the file is deleted; `drifted` that it was left alone, and why.
  ///
  /// Only under the name that it had: access is given where somebody consented to it. With `group`
  /// only where the file's group is that gid still.
  package func putBack(
    object path: [UInt8], identity: FileIdentity?, before: UInt16?, after: UInt16,
    group: UInt32? = nil
  ) -> Restored {
    putBack(path, identity, group) { access throws(PutBackObstacle) in
      let gain = ModeGain(before: before, after: after, isDirectory: access.isDirectory)
      return access.with(gain.bits, withoutSticky: gain.stickyTaken)
    }
  }

  /// The same for what a change of owner, access list or capabilities gave, where the file is as
  /// the revocation left it; what `others` gave is kept. See `FileGain.putBack`.
  package func putBack(
    object path: [UInt8], identity: FileIdentity?, _ gain: FileGain, keeping others: [FileGain],
    group: UInt32? = nil
  ) -> Restored {
    putBack(path, identity, group) { access throws(PutBackObstacle) in
      try gain.putBack(into: access, keeping: others)
    }
  }

  private func putBack(
    _ path: [UInt8], _ identity: FileIdentity?, _ group: UInt32?,
    _ wanted: (FileAccess) throws(PutBackObstacle) -> FileAccess
  ) -> Restored {
    var obstacle: PutBackObstacle?
    let result = change(path, identity, isDirectory: nil, dryRun: false, elsewhere: false) {
      access in
      do throws(PutBackObstacle) {
        if let group, access.gid != group {
          throw PutBackObstacle("its group is \(access.gid) now, and was \(group)")
        }
        return try wanted(access)
      } catch {
        obstacle = error
        return access
      }
    }
    if let obstacle, case .alreadyGone = result { return .drifted(obstacle.reason) }
    return result
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
