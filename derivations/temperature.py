"""Softmax with a temperature."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, exp, indices, partial, positive, scalar, summation, tensor

C = Dim("C")
i, j, k = indices("i j k", C)

z, p, T = tensor("z", C), tensor("p", C), scalar("T")

derivation = Derivation(
    name="temperature",
    title="Softmax with a temperature",
    about=(
        "Softmax of logits divided by a temperature T: above 1 it flattens the probabilities, below 1 it sharpens them. "
        "How the probabilities move with T is what calibration by temperature scaling needs."
    ),
    source="Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network (2015), equation 1",
    given=(Given(z, "logits"), Given(T, "temperature", where=(positive(T),))),
    lets=(Let(p[i], exp(z[i] / T) / summation(exp(z[k] / T), k), "probabilities"),),
    output=p,
    wrt=(z,),
    curved=True,
    claims=(
        Claim("jacobian_z", partial(p[i], z[j]), p[i] * (delta(i, j) - p[j]) / T, title="softmax's Jacobian over T"),
        Claim(
            "jacobian_T",
            partial(p[i], T),
            -p[i] * (z[i] - summation(p[k] * z[k], k)) / T**2,
            title="logits above the mean logit lose probability as T grows",
        ),
        Claim(
            "euler",
            summation(z[j] * partial(p[i], z[j]), j) + T * partial(p[i], T),
            0,
            title="scaling logits and temperature alike changes nothing",
        ),
    ),
)
