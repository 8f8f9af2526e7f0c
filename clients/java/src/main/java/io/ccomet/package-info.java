/**
 * The client of CComet for Java 8 and Android 5.0 (API level 21) or newer: {@link io.ccomet.CComet} follows channels and publishes to
 * them, reconnects by itself, and misses or repeats no message without saying so.
 */
package io.ccomet;
