using System.Buffers.Binary;
using Microsoft.AspNetCore.DataProtection;

namespace CComet.Web.Hosting.Access;

/// <summary>Makes protectors by the keys of a <see cref="KeyRing"/>.</summary>
/// <remarks>
/// Keys that cannot be read are told by the <see cref="StoreUnavailableException"/> itself, which the framework's protectors would hide in
/// the exception of a payload that was tampered with.
/// </remarks>
internal sealed class KeyRingProtection(IDataProtectionProvider inner, KeyRing keys) : IDataProtectionProvider
{
    /// <inheritdoc/>
    public IDataProtector CreateProtector(string purpose) => new Protector(inner.CreateProtector(purpose), keys);

    private sealed class Protector(IDataProtector inner, KeyRing keys) : IDataProtector
    {
        /// <summary>What a payload begins with: four bytes that never change, and the id of its key.</summary>
        private const uint Magic = 0x09F0C9F0;

        private const int KeyAt = sizeof(uint), KeySize = 16;

        public IDataProtector CreateProtector(string purpose) => new Protector(inner.CreateProtector(purpose), keys);

        public byte[] Protect(byte[] plaintext)
        {
            keys.GetCurrentKeyRing();
            return inner.Protect(plaintext);
        }

        public byte[] Unprotect(byte[] protectedData)
        {
            if (protectedData.Length > KeyAt + KeySize && BinaryPrimitives.ReadUInt32BigEndian(protectedData) == Magic)
                keys.LookFor(new Guid(protectedData.AsSpan(KeyAt, KeySize)));
            return inner.Unprotect(protectedData);
        }
    }
}
