#if !NET
namespace System.Runtime.CompilerServices;

/// <summary>What the compiler needs for <c>init</c>; netstandard2.0 has none.</summary>
internal static class IsExternalInit;
#endif
