import LinuxKit
import Testing

@Suite struct MountTests {
  @Test("Lines of mountinfo are read with their escapes, what is none is left out")
  func parse() {
    let text = """
      36 35 98:0 /mnt1 /a\\040b\\134c rw,noatime master:1 shared:2 - ext4 /dev/root rw
      37 35 0:5 / /proc rw - proc proc rw
      38 35 0:5 / /short rw
      garbage
      """
    let mounts = Mount.parse(Array(text.utf8))
    #expect(
      mounts == [
        Mount(path: Array("/a b\\c".utf8), type: Array("ext4".utf8)),
        Mount(path: Array("/proc".utf8), type: Array("proc".utf8)),
      ])
    #expect(mounts.map(\.isKernelView) == [false, true])
    #expect(Mount.all().contains { $0.path == Array("/".utf8) })
  }
}
