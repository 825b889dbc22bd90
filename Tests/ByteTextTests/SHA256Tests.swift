import ByteText
import Testing

@Suite struct SHA256Tests {
  @Test("FIPS 180-4 examples")
  func examples() {
    #expect(
      hexadecimal(SHA256.digest(Array("abc".utf8)))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      hexadecimal(SHA256.digest([]))
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    let long = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    #expect(
      hexadecimal(SHA256.digest(Array(long.utf8)))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
  }

  @Test("Pieces of any size give the digest of the whole", arguments: [1, 3, 63, 64, 65, 200])
  func pieces(size: Int) {
    let message = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
    var hash = SHA256()
    for start in stride(from: 0, to: message.count, by: size) {
      hash.update(message[start..<min(start + size, message.count)])
    }
    #expect(hash.finish() == SHA256.digest(message))
  }

  @Test("RFC 4231 test case 2, and a key longer than a block (case 6)")
  func hmac() {
    #expect(
      hexadecimal(
        hmacSHA256(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8)))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      hexadecimal(
        hmacSHA256(
          key: Array(repeating: 0xaa, count: 131),
          Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)))
        == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
  }

  @Test("RFC 7914 section 11 test vector of PBKDF2")
  func pbkdf2() {
    let derived = pbkdf2SHA256(
      password: Array("passwd".utf8), salt: Array("salt".utf8), rounds: 1)
    #expect(
      hexadecimal(derived)
        == "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc")
  }
}
